"""Sequential sample-ratio test: do the arms have the sizes that the assignment promises?"""

from collections.abc import Sequence
from math import exp, log

import numpy as np

from stats.estimates.distributions import chi_square_above, log_gamma


def sequential_p(counts: Sequence[int], shares: Sequence[float], concentration: float) -> float:
    """p of the sequential multinomial test, valid whenever one looks (Lindon & Malek 2022).

    1/Λ with Λ the marginal likelihood of the counts x under Dirichlet(k p) over that under the promised shares p::

        ln Λ = ln Γ(k) − ln Γ(k + n) + Σ_i (ln Γ(k p_i + x_i) − ln Γ(k p_i) − x_i ln p_i)

    Its running minimum is an always-valid p as well; this one is the p of the counts as they stand, so an alarm can end.

    Parameters
    ----------
    counts
        Users of each arm so far.
    shares
        Promised shares, positive, summing to 1.
    concentration
        k, how sharply the alternative sits around the promise: 100 sees an imbalance at 1,000 users, the usual 10,000 does not.

    Raises
    ------
    ValueError
        If shares and counts do not fit each other.

    Examples
    --------
    >>> round(sequential_p([52 + 60, 48 + 40], [0.5, 0.5], 10_000), 6)
    0.981831
    >>> sequential_p([0, 0], [0.5, 0.5], 100)
    1.0
    """
    if len(counts) != len(shares) or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-9 or min(counts) < 0:
        raise ValueError(f"counts {list(counts)} cannot be judged against shares {list(shares)}")
    total = sum(counts)
    evidence = log_gamma(concentration) - log_gamma(concentration + total)
    for count, share in zip(counts, shares, strict=True):
        evidence += log_gamma(concentration * share + count) - log_gamma(concentration * share) - count * log(share)
    return min(1.0, exp(-min(float(evidence), 700.0)))


def fixed_p(counts: Sequence[int], shares: Sequence[float]) -> float | None:
    """p of the chi-square test, for one look only (Fabijan et al. 2019): the familiar number, shown beside.

    None while nobody is counted.

    >>> round(fixed_p([520, 472], [0.5, 0.5]), 6)
    0.127508
    """
    observed = np.asarray(counts, dtype=float)
    expected = observed.sum() * np.asarray(shares, dtype=float)
    if observed.sum() == 0:
        return None
    return chi_square_above(float((((observed - expected) ** 2) / expected).sum()), len(observed) - 1.0)
