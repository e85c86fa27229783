"""Typed wrappers of the distribution functions of `scipy.special`.

`scipy.special` instead of `scipy.stats`: a third of the import time and a hundredth of the call's. Each function takes
a float or an array and answers with its like.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import special

Number = TypeVar("Number", float, NDArray[np.float64])


def normal_below(z: Number) -> Number:
    """P(Z ≤ z) of a standard normal Z.

    >>> float(normal_below(0.0))
    0.5
    """
    result: Number = special.ndtr(z)
    return result


def normal_above(z: Number) -> Number:
    """P(Z > z), accurate in the far tail where 1 − Φ(z) would be 0.

    >>> f"{normal_above(10.0):.3e}"
    '7.620e-24'
    """
    result: Number = special.ndtr(-z)
    return result


def normal_exceeded_with(p: float) -> float:
    """The z that a standard normal exceeds with probability `p`, 0 < p < 1; accurate down to p = 1e-300.

    >>> round(normal_exceeded_with(0.025), 6)
    1.959964
    """
    return -float(special.ndtri(p))


def student_two_sided(t: float, df: float) -> float:
    """P(|T| ≥ |t|) of Student's t with `df` degrees of freedom.

    >>> round(student_two_sided(2.0, 10.0), 6)
    0.073388
    """
    return 2.0 * float(special.stdtr(df, -abs(t)))


def student_quantile(p: float, df: float) -> float:
    """The t with P(T ≤ t) = `p` for Student's t with `df` degrees of freedom.

    >>> round(student_quantile(0.975, 10.0), 6)
    2.228139
    """
    return float(special.stdtrit(df, p))


def chi_square_above(statistic: float, df: float) -> float:
    """P(X > statistic) of a chi-square X with `df` degrees of freedom.

    >>> round(chi_square_above(3.841459, 1.0), 6)
    0.05
    """
    return float(special.chdtrc(df, statistic))


def log_gamma(x: Number) -> Number:
    """ln Γ(x) for x > 0.

    >>> round(float(log_gamma(5.0)), 6)
    3.178054
    """
    result: Number = special.gammaln(x)
    return result


def binomial_at_least(count: int, trials: int, p: float) -> float:
    """P(X ≥ count) of X successes in `trials` of probability `p` each.

    >>> round(binomial_at_least(1, 2, 0.5), 6), binomial_at_least(0, 2, 0.5)
    (0.75, 1.0)
    """
    return 1.0 if count <= 0 else float(special.bdtrc(count - 1, trials, p))


def log_beta(a: float, b: float) -> float:
    """ln B(a, b) for a, b > 0.

    >>> round(log_beta(2.0, 3.0), 6)
    -2.484907
    """
    return float(special.betaln(a, b))
