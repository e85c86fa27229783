"""Our functions against the answers of other programs: scipy, gbstats, tea-tasting, statsmodels, confseq … (tests/oracle).

One function a case, registered by its id; the first test makes sure that none is forgotten.
"""

import json
from collections.abc import Callable
from math import inf, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from livelift.document.readings import Welch
from livelift.tick_sums import RATIO_COLUMNS, SUM_COLUMNS, Moments
from stats.checks.guardrails import holm
from stats.checks.sample_ratio import fixed_p, sequential_p
from stats.estimates import mixture, ratio, user_means
from stats.estimates.classic import Classic, Estimate, classic, welch
from stats.estimates.distributions import normal_above, student_quantile
from stats.sequential.boundaries import constants, obrien_fleming, power_family
from stats.sums.moments import from_sums

FILE = json.loads((Path(__file__).parent.parent / "oracle" / "oracle_cases.json").read_text())
CASES: dict[str, dict[str, Any]] = {case["id"]: case for case in FILE["cases"]}
CHECKS: dict[str, Callable[[dict[str, Any], dict[str, Any], float], None]] = {}
Check = Callable[[Any, Any, float], None]


def checks(case: str) -> Callable[[Check], Check]:
    def register(check: Check) -> Check:
        CHECKS[case] = check
        return check

    return register


def close(ours: Any, theirs: Any, rtol: float) -> None:
    assert ours == pytest.approx(theirs, rel=rtol, abs=0)


def test_every_case_of_the_file_is_checked() -> None:
    assert set(CHECKS) == set(CASES)
    assert len(CASES) == 19


@pytest.mark.parametrize("case", sorted(CASES))
def test_our_answer_is_the_other_programs_answer(case: str) -> None:
    CHECKS[case](CASES[case]["input"], CASES[case]["expected"], CASES[case]["rtol"])


def _two_samples(given: Any) -> Classic:
    arms = [Moments(arm["n"], arm["mean"], (arm["n"] - 1) * arm["sd"] ** 2) for arm in given.values() if "sd" in arm]
    return classic(*arms)


def _of(given: Any) -> Welch:
    result = _two_samples({arm: given[arm] for arm in ("control", "treatment")}).welch
    assert result is not None
    return result


@checks("welch_summary")
def _(given: Any, expected: Any, rtol: float) -> None:
    ours = _of(given)
    close(
        [ours.t, ours.p, ours.df, ours.difference, ours.se], [expected[k] for k in ("t", "p", "df", "diff", "se")], rtol
    )
    close(ours.ci, expected["ci"], rtol)


@checks("welch_relative_delta")
def _(given: Any, expected: Any, rtol: float) -> None:
    ours = _of(given)
    names = ("expected", "p_value", "se", "dof")
    close([ours.lift, ours.lift_p, ours.lift_se, ours.df], [expected[name] for name in names], rtol)
    close(ours.lift_ci, expected["ci"], rtol)


@checks("cohens_d")
def _(given: Any, expected: Any, rtol: float) -> None:
    close(_two_samples(given).cohens_d, expected, rtol)


RATIO_KEYS = ("n", "S", "N", "SS", "NN", "SN")


def _ratio_sums(given: Any) -> np.ndarray[Any, Any]:
    return np.array([[given[arm][key] for key in RATIO_KEYS] for arm in ("ctrl", "trt")])


def test_the_ratio_sums_are_in_the_order_of_the_ratio_columns() -> None:
    assert tuple(key.lower().replace("n", "m") if key != "n" else "n" for key in RATIO_KEYS) == RATIO_COLUMNS


@checks("ratio_delta")
def _(given: Any, expected: Any, rtol: float) -> None:
    sums = _ratio_sums(given)
    control, treatment, ours = ratio.ratio(sums[0]), ratio.ratio(sums[1]), ratio.compare(sums)
    assert control is not None and treatment is not None and ours is not None
    close([control.value, treatment.value], [expected["ratio_c"], expected["ratio_t"]], rtol)
    close([control.variance * 10, treatment.variance * 10], [expected["unitvar_c"], expected["unitvar_t"]], rtol)
    close([ours.difference, ours.se, ours.df, ours.p], [expected[k] for k in ("diff", "se", "df", "p")], rtol)
    close(ours.ci, expected["ci"], rtol)


@checks("ratio_vs_cluster_ols")
def _(given: Any, expected: Any, rtol: float) -> None:
    ours = ratio.compare(_ratio_sums(given))
    assert ours is not None and ours.se is not None
    close([ours.difference, ours.se], [expected["coef"], expected["delta_se"]], rtol)
    close(ours.se / sqrt(10 / 9), expected["cr0_se"], rtol)


@checks("ratio_relative")
def _(given: Any, expected: Any, rtol: float) -> None:
    ours = ratio.compare(_ratio_sums(given))
    assert ours is not None
    names = ("expected", "p_value", "se", "dof")
    close([ours.lift, ours.lift_p, ours.lift_se, ours.df], [expected[name] for name in names], rtol)
    close(ours.lift_ci, expected["ci"], rtol)


@checks("cuped_mean")
def _(given: Any, expected: Any, rtol: float) -> None:
    keys = ("n", "S", "SS", "S0", "S0S0", "SS0")
    assert len(keys) == len(SUM_COLUMNS)
    control, treatment = (np.array([given[arm][key] for key in keys]) for arm in ("ctrl", "trt"))
    ours = user_means.difference(control, treatment)
    assert ours is not None
    close([ours.difference, ours.se, ours.p, ours.df], [expected[k] for k in ("diff", "se", "p", "df")], rtol)
    close(ours.ci, expected["ci"], rtol)
    # θ once more from what it explains: the unadjusted difference less the adjusted one, per unit of x.
    raw = treatment[1] / treatment[0] - control[1] / control[0]
    x = treatment[3] / treatment[0] - control[3] / control[0]
    close((raw - ours.difference) / x, expected["theta"], rtol)


@checks("asympcs_mSPRT_N985")
def _(given: Any, expected: Any, rtol: float) -> None:
    estimate, variance, rho = given["theta"], given["V"], 1 / given["tau2"]
    width = mixture.radius(variance, rho, given["alpha"])
    close(float(mixture.p_value(estimate, variance, rho)), expected["p_value"], rtol)
    close(float(width), expected["radius"], rtol)
    close([estimate - width, estimate + width], expected["ci"], rtol)
    close(mixture.best_rho(given["Nstar"], given["alpha"]), 1 / expected["rho2"], rtol)


@checks("asympcs_one_sided")
def _(given: Any, expected: Any, rtol: float) -> None:
    result = _of(given)
    assert result.lift_se is not None
    variance, users, alpha = result.lift_se**2, 985, 0.05
    # gbstats counts information in users: ρ_users = √(1/best_rho), and ours is 1/(users · ρ_users² · V).
    rho = mixture.best_rho(1000, 2 * alpha) / (users * variance)
    width = float(mixture.one_sided_radius(variance, rho, alpha))
    close(sqrt(1 / mixture.best_rho(1000, 2 * alpha)), expected["rho"], rtol)
    close(width, expected["halfwidth"], rtol)
    close(expected["expected"] - width, expected["ci"][0], rtol)
    assert float(expected["ci"][1]) == inf
    # The p is the α at which the bound reaches 0; gbstats finds it by a search that stops at about 1e-5.
    close(float(mixture.one_sided_radius(variance, rho, expected["p"])), expected["expected"], 1e-5)


@checks("normal_mixture_bound_two_sided")
def _(given: Any, expected: Any, rtol: float) -> None:
    for row, bound in zip(given, expected, strict=True):
        rho = mixture.best_rho(row["v_opt"], row["alpha"])
        close(float(mixture.radius(1 / row["v"], rho, row["alpha"])) * row["v"], bound, rtol)


@checks("normal_log_mixture_two_sided")
def _(given: Any, expected: Any, rtol: float) -> None:
    for row, log_ratio in zip(given, expected, strict=True):
        rho = mixture.best_rho(row["v_opt"], row["alpha_opt"])
        close(float(mixture.log_likelihood_ratio(row["s"] / row["v"], 1 / row["v"], rho)), log_ratio, rtol)


@checks("srm_sequential_conc10000")
def _(given: Any, expected: Any, rtol: float) -> None:
    so_far = np.cumsum(given["data"], axis=0)
    close([sequential_p([int(c), int(t)], given["p0"], 10_000) for c, t in so_far], expected, rtol)


@checks("srm_chisq")
def _(given: Any, expected: Any, rtol: float) -> None:
    close(fixed_p(given["counts"], given["weights"]), expected["p"], rtol)


@checks("gst_ld_obf_K5")
def _(given: Any, expected: Any, rtol: float) -> None:
    times, alpha = tuple(given["t"]), given["alpha"]
    close(constants(times, alpha, obrien_fleming, two_sided=True), expected["bounds"], rtol)
    close(2 * obrien_fleming(np.array(times), alpha / 2), expected["cum_spend"], rtol)


@checks("gst_power2_K5")
def _(given: Any, expected: Any, rtol: float) -> None:
    ours = constants(tuple(given["t"]), 0.05, SQUARE, two_sided=True)
    close(ours, expected["own"], 1e-9)
    close(ours, expected["spotify"], rtol)


SQUARE = power_family(2.0)


@checks("holm_bh")
def _(given: Any, expected: Any, rtol: float) -> None:
    close(holm(given["p"]), expected["holm"], rtol)
    # The other adjustments of the case are not ours; Holm's lies between Hommel's and Bonferroni's.
    ordered = zip(expected["hommel"], holm(given["p"]), expected["bonferroni"], strict=True)
    assert all(low <= ours + rtol and ours <= high + rtol for low, ours, high in ordered)


def _cookie(given: Any, expected: Any, rtol: float) -> None:
    a = from_sums(given["n_a"], int(given["sum_a"]), int(given["sumsq_a"]))
    b = from_sums(given["n_b"], int(given["sum_b"]), int(given["sumsq_b"]))
    close([a.mean, b.mean], [given["mean_a"], given["mean_b"]], rtol)
    close([sqrt(m.m2 / (m.n - 1)) for m in (a, b)], [given["sd_a"], given["sd_b"]], rtol)
    ours = classic(a, b).welch
    assert ours is not None and ours.t is not None
    tea = expected["tt"]
    close([ours.difference, ours.lift, ours.p], [tea["abs"], tea["rel"], tea["p"]], rtol)
    close(2 * normal_above(abs(ours.t)), expected["spotify_z_p"], rtol)

    # tea-tasting's interval of the lift is that of the log ratio, which is our user-mean reading without a covariate.
    control, treatment = (
        np.array([given[f"n_{arm}"], given[f"sum_{arm}"], given[f"sumsq_{arm}"], 0, 0, 0]) for arm in "ab"
    )
    log_lift = user_means.log_lift(control, treatment)
    assert ours.df is not None
    width = student_quantile(0.975, ours.df) * sqrt(float(log_lift.variance))
    limits = [1 + user_means.as_lift(float(log_lift.value) + side * width) for side in (-1, 1)]
    close(limits, [1 + tea["rel_lo"], 1 + tea["rel_hi"]], rtol)

    # gbstats treats the metric as a proportion: variance p (1 − p)/n, ours without its n − 1.
    of_proportion = welch(*(Estimate(m.mean, m.m2 / m.n / m.n, m.n) for m in (a, b)))
    assert of_proportion.ci is not None and of_proportion.lift_ci is not None and of_proportion.lift_se is not None
    absolute, relative = expected["gb_abs"], expected["gb_rel"]
    close([*of_proportion.ci, of_proportion.p], [absolute["lo"], absolute["hi"], absolute["p"]], rtol)
    close([*of_proportion.lift_ci, of_proportion.lift_p], [relative["lo"], relative["hi"], relative["p"]], rtol)
    variance, lift = of_proportion.lift_se**2, ours.lift
    assert lift is not None
    for tuned_for in (5_000, 90_000):
        rho = mixture.best_rho(tuned_for, 0.05) / ((a.n + b.n) * variance)
        width, theirs = float(mixture.radius(variance, rho, 0.05)), expected[f"gb_seq{tuned_for}"]
        close([lift - width, lift + width], [theirs["lo"], theirs["hi"]], rtol)
        close(float(mixture.p_value(lift, variance, rho)), theirs["p"], rtol)


checks("cookie_retention_1")(_cookie)
checks("cookie_retention_7")(_cookie)


@checks("incremental_integer_state")
def _(given: Any, expected: Any, rtol: float) -> None:
    state = {arm: dict.fromkeys(RATIO_COLUMNS, 0) for arm in ("T", "C")}
    users: dict[str, list[int]] = {}
    for user, arm, seconds in given["events"]:
        total, sessions = users.get(str(user), [0, 0])
        row = state[arm]
        row["n"] += sessions == 0
        row["s"] += seconds
        row["m"] += 1
        row["ss"] += seconds * (2 * total + seconds)
        row["mm"] += 2 * sessions + 1
        row["sm"] += total + seconds * (sessions + 1)
        users[str(user)] = [total + seconds, sessions + 1]
    assert state == expected["state"] and users == expected["users"]
    # What the increments give is what `ratio` reads: the same ratio as from the users' totals.
    of_control = [total for user, total in users.items() if user in ("2", "4")]
    reading = ratio.ratio(np.array([state["C"][column] for column in RATIO_COLUMNS]))
    assert reading is not None
    assert reading.value == sum(s for s, _ in of_control) / sum(m for _, m in of_control)


COOKIE_P = {"retention_1": 0.0744, "retention_7": 0.00156, "rounds": 0.376}


def test_the_cookie_cats_verdict_is_the_published_one() -> None:
    """90,189 players, gate at level 40 against 30: lifts, p, and the sample ratio that the two arms do not keep."""
    lifts = {}
    for metric in ("retention_1", "retention_7"):
        given = CASES[f"cookie_{metric}"]["input"]
        arms = [from_sums(given[f"n_{arm}"], int(given[f"sum_{arm}"]), int(given[f"sumsq_{arm}"])) for arm in "ab"]
        reading = classic(*arms)
        lifts[metric] = reading.lift
        assert reading.p == pytest.approx(COOKIE_P[metric], rel=5e-3)
    assert lifts == pytest.approx({"retention_1": -0.0132, "retention_7": -0.0431}, abs=5e-5)
    assert fixed_p([44_700, 45_489], [0.5, 0.5]) == pytest.approx(0.0086, abs=5e-5)
    theirs = [CASES[f"cookie_{metric}"]["expected"] for metric in ("retention_1", "retention_7")]
    adjusted = holm([*(case["spotify_z_p"] for case in theirs), COOKIE_P["rounds"]])
    assert adjusted[:2] == pytest.approx([case["spotify_holm_p"] for case in theirs], rel=1e-8)
