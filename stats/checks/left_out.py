"""Sequential test of uneven attrition: are users excluded from the analysis equally often in both arms?

Who is included depends on behaviour after assignment, so a treatment can change it: then the included users of the arms
are different people, and a comparison of their means says nothing of the treatment.
"""

from math import exp

from stats.estimates.distributions import chi_square_above, log_beta, log_gamma

CONCENTRATION = 20.0
"""κ, how sharply the alternative sits around equal shares: an imbalance of about one in nine among those who are left out
is what a few hundred of them show first."""


def association_p(left_out: tuple[int, int], exposed: tuple[int, int], concentration: float = CONCENTRATION) -> float:
    """p of *left out × arm* for the counts as they stand, to be looked at as often as one likes.

    1/Λ. Given how many users are left out, how many of them are in control is hypergeometric if assignment has nothing to do
    with it; the alternative is a beta-binomial mixture about control's share r = n_C/n of the users, as in the sample-ratio
    test (Lindon & Malek 2022)::

        ln Λ = ln BetaBinomial(k_C; k, κ r, κ (1 − r)) − ln Hypergeometric(k_C; n, n_C, k)

    k counts the left out, or the included where these are fewer. Λ has an expectation of at most 1 at each look, whoever
    the users are, so a single look errs with a probability of at most α. Users move from left out to included as their
    sessions close, so successive looks are not the increments of one process: the error rate when watched is measured
    (docs/02-error-rates.md).

    Parameters
    ----------
    left_out, exposed
        Users of (control, treatment): left out, and all that were exposed.
    concentration
        κ.

    Returns
    -------
    float
        1 while nobody, or everybody, is left out.

    Raises
    ------
    ValueError
        If more users are left out than there are.

    Examples
    --------
    >>> association_p((10, 12), (500, 500)) == 1.0, association_p((10, 75), (500, 500)) < 1e-9
    (True, True)
    """
    counts = _fewer(left_out, exposed)
    few, users = sum(counts), sum(exposed)
    if few == 0 or min(exposed) == 0:
        return 1.0
    prior = concentration * exposed[0] / users, concentration * exposed[1] / users
    evidence = _log_choose(few, counts[0]) + log_beta(prior[0] + counts[0], prior[1] + counts[1]) - log_beta(*prior)
    chance = sum(_log_choose(n, k) for n, k in zip(exposed, counts, strict=True)) - _log_choose(users, few)
    return min(1.0, exp(-min(evidence - chance, 700.0)))


def fixed_p(left_out: tuple[int, int], exposed: tuple[int, int]) -> float | None:
    """p of the chi-square test of the same table, for one look only; None while there is nothing to compare.

    >>> round(fixed_p((56, 92), (486, 492)), 4)
    0.0017
    """
    counts = _fewer(left_out, exposed)
    few, users = sum(counts), sum(exposed)
    if few == 0 or min(exposed) == 0:
        return None
    difference = counts[0] / exposed[0] - counts[1] / exposed[1]
    share = few / users
    variance = share * (1.0 - share) * (1.0 / exposed[0] + 1.0 / exposed[1])
    return chi_square_above(difference * difference / variance, 1.0)


def _fewer(left_out: tuple[int, int], exposed: tuple[int, int]) -> tuple[int, int]:
    """The users left out, or those included where these are fewer."""
    if min(left_out) < 0 or left_out[0] > exposed[0] or left_out[1] > exposed[1]:
        raise ValueError(f"{left_out} of {exposed} users cannot be left out")
    included = exposed[0] - left_out[0], exposed[1] - left_out[1]
    return left_out if sum(left_out) <= sum(included) else included


def _log_choose(n: int, k: int) -> float:
    return float(log_gamma(n + 1.0) - log_gamma(k + 1.0) - log_gamma(n - k + 1.0))
