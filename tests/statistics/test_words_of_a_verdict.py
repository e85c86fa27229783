"""The wording of a verdict where it could mislead: direction, small shares, long periods, observational assignment."""

from dataclasses import replace
from datetime import timedelta
from math import expm1

import msgspec
import numpy as np
import pytest

from livelift.document import encode, history_entry
from livelift.study import Study
from livelift.tick_sums import InputCounts, TickSums
from stats.decision import engine
from stats.decision.verdict import Verdict
from stats.edges.document import make_document
from stats.edges.redis_store import headline
from stats.sequential.boundaries import calendar, constants, obrien_fleming
from stats.sequential.rerandomisation import Tail, advance, draw_matrix, statistics
from stats.words.formatting import percent
from tests.statistics.support import STUDY, Effects, bucketed, rows, tick
from tests.statistics.test_engine import run, with_primary


def in_words(verdict: Verdict) -> str:
    return " ".join([verdict.summary, verdict.classic.words, *verdict.guarantee, *(r.words for r in verdict.reasons)])


def test_what_held_then_and_what_holds_now_are_both_said() -> None:
    ticks = [tick(day, Effects(0.3 if day < 35 else -0.3)) for day in (20, 30, 40, 50)]
    state, verdicts = run(ticks)
    assert [verdict.decision for verdict in verdicts] == ["keep_running", "ship", "ship", "ship"]
    assert state.final is not None and verdicts[1].alarms == ()
    last = verdicts[-1]
    assert last.decided is not None and last.decided.lift == verdicts[1].primary.lift
    assert [alarm.name for alarm in last.alarms] == ["harm"]
    assert last.alarms[0].look == 40 == last.primary.harm.at
    assert last.summary.startswith("Ship: Average session duration is better, decided on 2009-03-31 (look 30) at +4")
    assert "But since then: Average session duration is harmed, shown at look 40 (-2" in last.summary
    assert {rule.name: rule.passed for rule in last.reasons}["alarm"] is False


def test_a_guardrail_failing_after_the_ship_is_its_own_alarm() -> None:
    _, verdicts = run([tick(30, Effects(0.3)), tick(45, Effects(0.3, skips=0.4))])
    assert verdicts[-1].decision == "ship"
    assert [(alarm.name, alarm.look) for alarm in verdicts[-1].alarms] == [("guardrail:skip_rate", 45)]


def test_a_ship_no_longer_ahead_is_said_though_nothing_is_proven() -> None:
    _, verdicts = run([tick(30, Effects(0.3)), tick(31, Effects(-0.08))])
    assert not verdicts[-1].alarms and verdicts[-1].primary.lift is not None and verdicts[-1].primary.lift < 0
    assert "it is no longer ahead (" in verdicts[-1].summary


@pytest.mark.parametrize(("effect", "decision"), [(-0.3, "ship"), (0.3, "dont_ship")])
def test_a_lower_is_better_primary_has_its_own_signs_and_words(effect: float, decision: str) -> None:
    """Its limits differ as well."""
    study = with_primary(higher=False)
    _, verdicts = run([tick(day, Effects(effect), study=study) for day in (20, 40)], study)
    verdict, primary = verdicts[-1], verdicts[-1].primary
    assert verdict.decision == decision
    words = {rule.name: rule.words for rule in verdict.reasons}
    assert words["minimum_lift"].endswith("ship needs less than -2%")
    assert ("is better" if decision == "ship" else "is harmed") in verdict.summary
    assert verdict.planning.minimum_detectable_effect is not None and verdict.planning.minimum_detectable_effect < 0
    assert verdict.planning.needed_lift is not None and verdict.planning.needed_lift < 0
    assert verdict.planning.power_at_estimate is not None
    assert (verdict.planning.power_at_estimate > 0.9) == (decision == "ship")
    assert primary.at_least is not None and (primary.at_least > 0) == (decision == "ship")


def test_a_fall_that_is_too_small_is_said_with_its_limit() -> None:
    study = with_primary(higher=False)
    small = tick(40, Effects(-0.012), users=20_000, noise=0.1, study=study)
    _, verdicts = run([small], study)
    assert verdicts[-1].why == "minimum_lift"
    assert "is better, but the lift is -1." in verdicts[-1].summary
    assert verdicts[-1].summary.endswith("and ship needs less than -2%.")


def test_an_observed_assignment_is_never_said_to_cause_anything() -> None:
    experiment = msgspec.structs.replace(STUDY.experiment, assignment="observed")
    study = msgspec.structs.replace(STUDY, experiment=experiment)
    for effect in (0.3, -0.3, 0.0):
        _, verdicts = run([tick(day, Effects(effect), study=study) for day in (20, 40, 61)], study)
        for verdict in verdicts:
            for causal in ("harm", "the change", "random splits", "is better (", "effect", "is tested"):
                assert causal not in in_words(verdict), (causal, in_words(verdict))
        assert "no proof of a cause" in in_words(verdicts[-1])


def test_a_share_below_one_per_cent_keeps_its_digits() -> None:
    health = msgspec.structs.replace(STUDY.health, maximum_late_share=0.005)
    study = msgspec.structs.replace(STUDY, health=health)
    counts = InputCounts(rows=100_000, accepted=99_400, late=600)
    _, verdicts = run([replace(tick(5), counts=counts)], study)
    assert "0.6% of the rows came too late, the limit is 0.5%" in verdicts[0].summary
    assert percent(-0.0) == percent(-1e-12) == "+0.0%"


def test_simulated_error_rates_are_shown_for_their_study_only() -> None:
    other = msgspec.structs.replace(STUDY, simulated=None)
    copied = msgspec.structs.replace(STUDY, decision=msgspec.structs.replace(STUDY.decision, alpha=0.1))
    assert STUDY.simulated is not None
    assert STUDY.simulated.design == STUDY.design, "simulate it again: docs/02-error-rates.md, then note the design"
    renamed = msgspec.structs.replace(STUDY, name="another")
    for study, said in ((STUDY, True), (other, False), (copied, False), (renamed, False)):
        _, verdict = engine.step(engine.initial(study), tick(30, study=study), study)
        assert ("72 %" in verdict.classic.words) == said
        assert "errs far more often than " in verdict.classic.words or said


def test_the_first_days_that_can_tell_are_those_of_the_draws() -> None:
    _, verdicts = run([tick(5)])
    assert (verdicts[0].progress.harm_from, verdicts[0].progress.ship_from) == ("2009-03-10", "2009-03-27")


def year(days: int) -> Study:
    end = STUDY.experiment.period_start + timedelta(days=days)
    return msgspec.structs.replace(STUDY, experiment=msgspec.structs.replace(STUDY.experiment, period_end=end))


@pytest.mark.parametrize("days", [283, 365, 400])
def test_documents_of_long_periods_are_json(days: int) -> None:
    """The first looks spend less than the smallest double: their constants are infinite, and null in a document."""
    study = year(days)
    state = engine.initial(study)
    for day in (1, 2, days // 2, days):
        sums = tick(day, Effects(0.2), study=study)
        state, verdict = engine.step(state, sums, study)
        document = make_document(study, "run", sums, verdict)
        text = encode(document) + encode(history_entry(document))
        assert (document.metrics["session_duration"].sequential.boundary is None) == (
            not np.isfinite(constants(calendar(days, days), 0.025, obrien_fleming)[day - 1])
        )
        assert "Infinity" not in text
    assert verdict.decision == "ship"


def test_the_headline_has_the_lift_that_decides() -> None:
    sums = tick(40, Effects(0.3))
    _, verdict = engine.step(engine.initial(STUDY), sums, STUDY)
    document = make_document(STUDY, "run", sums, verdict)
    assert verdict.primary.log_lift is not None
    assert float(headline(document)["lift"]) == pytest.approx(expm1(verdict.primary.log_lift), abs=1e-6)


def test_the_ways_to_count_the_lift_stand_in_one_table() -> None:
    _, verdict = engine.step(engine.initial(STUDY), tick(40, Effects(0.2)), STUDY)
    ways = {way.name: way for way in verdict.primary.lifts}
    assert list(ways) == ["sessions", "users", "users_adjusted", "per_exposed_user"]
    assert ways["users_adjusted"].lift == verdict.primary.lift and "this one decides" in ways["users_adjusted"].words
    assert ways["users_adjusted"].ci == verdict.primary.ci


def test_twice_the_minimum_users_decide_as_rarely_as_promised() -> None:
    """2,000 experiments of 50 + 50 users without effect, 4 looks: ship in at most 2.5 % (today's rule: a third)."""
    random = np.random.default_rng(50)
    matrix, spent = draw_matrix("few", 128, 400), obrien_fleming(np.arange(1, 5) / 4, 0.025)
    crossed = naive = 0
    treated = np.arange(100) % 2 == 1
    for _ in range(2000):
        y, bucket = random.integers(100, 4000, (4, 100)).cumsum(axis=0), random.integers(0, 128, 100)
        tail = Tail.of(400)
        for look in range(4):
            z = statistics(matrix, bucketed(rows(y[look]), treated, bucket, 128), 50)
            tail, _ = advance(tail, z, float(spent[look]), look + 1)
        missing = np.isnan(z).mean()
        naive += bool(np.nansum(z >= z[0]) <= 0.025 * 400)
        crossed += tail.crossed_at is not None
    assert missing > 0.8
    assert crossed <= 68  # 2,000 × 0.025, one-sided binomial at 0.01
    assert naive > 300  # what counting the share of all draws would do at the last look alone


def losing(control: int, treatment: int) -> TickSums:
    """A tick at which so many of 500 exposed users an arm are in the analysis."""
    return replace(tick(30), exposed=(500, 500), included=(control, treatment))


@pytest.mark.parametrize("left", [0, 20, 49])
def test_an_arm_that_lost_most_users_is_not_only_waited_for(left: int) -> None:
    """The decision is `unhealthy`, since users were left out."""
    _, verdict = engine.step(engine.initial(STUDY), losing(480, left), STUDY)
    assert (verdict.decision, verdict.why) == ("unhealthy", "left_out")


def test_a_split_that_is_all_wrong_is_not_only_waited_for() -> None:
    _, verdict = engine.step(engine.initial(STUDY), replace(tick(5), exposed=(1000, 0), included=(900, 0)), STUDY)
    assert (verdict.decision, verdict.why) == ("unhealthy", "sample_ratio")


def test_a_crossing_that_faded_before_deciding_ships_nothing() -> None:
    """Crossed at look 26, a guardrail blocked to look 30; at look 50 the effect is gone, the guardrail too."""
    gated = [tick(day, Effects(0.3, skips=0.05)) for day in (26, 30)]
    state, verdicts = run([*gated, tick(50), tick(61)])
    assert state.ship.crossed_at is not None and [v.why for v in verdicts[:2]] == ["guardrail_gate"] * 2
    assert (verdicts[2].decision, verdicts[2].why) == ("keep_running", "not_clear")
    assert "was shown better at look" in verdicts[2].summary and "not clearly so any more" in verdicts[2].summary
    assert (verdicts[3].decision, verdicts[3].why) == ("dont_ship", "not_proven")
    assert "not clearly so any more" in verdicts[3].summary


def test_no_ship_stands_beside_an_interval_that_denies_it() -> None:
    for seed in range(12):
        state = engine.initial(STUDY)
        for day in range(20, 62, 3):
            state, verdict = engine.step(state, tick(day, Effects(0.1), seed=100 * seed + day, users=900), STUDY)
            if verdict.decided is not None and verdict.decided.time == verdict.time and verdict.decision == "ship":
                assert verdict.primary.interval is not None and verdict.primary.interval[0] > 0


def test_a_closed_study_is_not_deaf() -> None:
    state, _ = run([tick(20)])
    closed, shipped = engine.close_early(state, tick(36, Effects(0.3)), STUDY, "launch date")
    assert shipped.decision == "ship"
    for day in (45, 55):
        closed, verdict = engine.step(closed, tick(day, Effects(-0.3)), STUDY)
    assert [alarm.name for alarm in verdict.alarms] == ["harm"] and "better (-" not in verdict.summary


def test_a_preview_after_a_ship_tells_then_from_now() -> None:
    state, _ = run([tick(30, Effects(0.3))])
    shown = engine.preview(state, tick(30, Effects(-0.08)), STUDY)
    assert shown.decision == "ship" and "it is no longer ahead (" in shown.summary


def test_what_blocks_at_the_end_is_what_the_sentence_names() -> None:
    """Users left out unevenly, too little for an alarm, enough to block every look."""
    uneven = [replace(tick(day, Effects(0.3), users=868), exposed=(484, 516)) for day in (30, 50, 61)]
    _, verdicts = run(uneven)
    last = verdicts[-1]
    assert last.health.inclusion_p is not None and last.health.inclusion_p > 0.01
    assert (last.decision, last.why) == ("dont_ship", "not_proven")
    assert "but at this look the arms lose users unevenly (" in last.summary
    rule = {rule.name: rule for rule in last.reasons}["inclusion"]
    assert rule.passed is False and "no ship at this look (p of one look 0.00" in rule.words


def test_harm_shown_in_untrusted_data_is_not_forgotten() -> None:
    """It was shown while the data were not to be trusted."""
    counts = InputCounts(rows=1000, accepted=800, rejected={"date": 200})
    state, verdicts = run([replace(tick(20, Effects(-0.3)), counts=counts)])
    assert verdicts[0].decision == "unhealthy" and state.harm.crossed_at == 20
    assert "was shown worse at look 20" in engine.preview(state, tick(20, Effects(-0.3)), STUDY).summary
    _, ended = engine.step(state, replace(tick(20, Effects(-0.3)), ended=True), STUDY)
    assert (ended.decision, ended.why) == ("dont_ship", "harm")


@pytest.mark.parametrize("effects", [Effects(-0.3), Effects(0.3, skips=0.4)])
def test_a_refusal_tells_then_from_now_as_well(effects: Effects) -> None:
    _, verdicts = run([tick(20, effects), tick(40, Effects(0.3, skips=-0.3))])
    assert verdicts[-1].decision == "dont_ship"
    assert "on 2009-03-21 (look 20)" in verdicts[-1].summary and " now" in verdicts[-1].summary.lower()
    assert "harmed (+" not in verdicts[-1].summary and "is worse by more than 1% (" not in verdicts[-1].summary


def test_with_few_users_only_possible_splits_are_compared() -> None:
    _, verdict = engine.step(engine.initial(STUDY), tick(50, users=102), STUDY)
    words = {rule.name: rule.words for rule in verdict.reasons}["primary"]
    running = verdict.primary.ship.running
    assert running is not None and running < 1000 and f" of {running:,} random splits" in words


def test_without_guardrails_none_is_spoken_of() -> None:
    only = {STUDY.decision.primary: STUDY.metrics[STUDY.decision.primary]}
    study = msgspec.structs.replace(STUDY, metrics=only)
    _, verdict = engine.step(engine.initial(study), tick(40, Effects(0.3), study=study), study)
    assert verdict.decision == "ship" and "guardrail" not in in_words(verdict).lower()


def test_an_estimate_of_any_size_is_a_document() -> None:
    """A planned error far below what 120 users can have: bounds beyond what a float64 holds are unknown, no crash."""
    statistics_ = msgspec.structs.replace(STUDY.statistics, planned_standard_error=0.0001)
    study = msgspec.structs.replace(STUDY, statistics=statistics_)
    sums = tick(1, users=120, noise=1.5, study=study)
    _, verdict = engine.step(engine.initial(study), sums, study)
    assert verdict.primary.lift is not None and verdict.primary.ci is None
    encode(make_document(study, "run", sums, verdict))


def test_a_guardrails_interval_ends_at_minus_100_per_cent() -> None:
    _, verdict = engine.step(engine.initial(STUDY), tick(30, users=120, noise=1.5), STUDY)
    for reading in verdict.guardrails.values():
        assert reading.ci is None or (reading.lift is not None and -1 <= reading.ci[0] <= reading.lift <= reading.ci[1])


@pytest.mark.parametrize("primary", ["skip_rate", "sessions_per_user", "d1_retention", "artist_diversity"])
def test_every_kind_of_primary_has_both_arms_and_a_verdict(primary: str) -> None:
    """Both arms have a value, whatever the kind."""
    study = msgspec.structs.replace(STUDY, decision=msgspec.structs.replace(STUDY.decision, primary=primary))
    better = -0.3 if primary == "skip_rate" else 0.3
    sums = tick(40, Effects(better), study=study)
    _, verdict = engine.step(engine.initial(study), sums, study)
    assert verdict.decision == "ship", verdict.summary
    assert verdict.primary.control is not None and verdict.primary.treatment is not None
    document = make_document(study, "run", sums, verdict)
    assert document.metrics[primary].sequential.control == verdict.primary.control
