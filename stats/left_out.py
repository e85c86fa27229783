"""Are users left out of the analysis equally often in both arms? A sequential test of a 2 × 2 table.

Who is included depends on behaviour after assignment, so a treatment can change it: then the included users of the arms
are different people, and a comparison of their means says nothing of the treatment.
"""

from math import exp, log

from stats.distributions import log_beta


def association_p(left_out: tuple[int, int], exposed: tuple[int, int], concentration: float) -> float:
    """p of *left out × arm* for the counts as they stand, to be looked at as often as one likes.

    1/Λ, with Λ the marginal likelihood of a share of its own in each arm, Beta(κ s, κ (1 − s)) about the common share s,
    over the greatest likelihood under one share for both (beta-binomial mixture; Lindon & Malek 2022 test the sample ratio
    likewise). With k_a of n_a users left out in arm a and s = Σ k_a / Σ n_a::

        ln Λ = Σ_a (ln B(κ s + k_a, κ (1 − s) + n_a − k_a) − ln B(κ s, κ (1 − s))) − k ln s − (n − k) ln(1 − s)

    Users move from left out to included as their sessions close, so the counts of successive looks are not sums of
    independent draws: its error rate when watched is measured, not proven (docs/02-error-rates.md).

    Parameters
    ----------
    left_out, exposed
        Users of (control, treatment): left out, and all that were exposed.
    concentration
        κ, how sharply the alternative sits around the common share.

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
    >>> association_p((10, 12), (500, 500), 100) == 1.0, association_p((10, 75), (500, 500), 100) < 1e-9
    (True, True)
    """
    if min(left_out) < 0 or left_out[0] > exposed[0] or left_out[1] > exposed[1]:
        raise ValueError(f"{left_out} of {exposed} users cannot be left out")
    out, users = sum(left_out), sum(exposed)
    if out in (0, users):
        return 1.0
    share = out / users
    prior_out, prior_in = concentration * share, concentration * (1.0 - share)
    evidence = -out * log(share) - (users - out) * log(1.0 - share)
    for k, n in zip(left_out, exposed, strict=True):
        evidence += log_beta(prior_out + k, prior_in + n - k) - log_beta(prior_out, prior_in)
    return min(1.0, exp(-min(evidence, 700.0)))
