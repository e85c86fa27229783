"""Guardrails: has a metric that must not suffer become worse by more than the margin, or is it proven that it has not?

All on the log scale: h = worsening (positive = worse), m = ln(1 + margin), Z_g = (h − m)/SE.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from stats.boundaries import constants, obrien_fleming
from stats.distributions import normal_above

Status = Literal["fail", "gate", "inconclusive", "proven_safe"]


def worsening(log_lift: float, higher_is_better: bool) -> float:
    """h: the log lift turned so that positive is worse.

    >>> worsening(0.1, higher_is_better=False), worsening(0.1, higher_is_better=True)
    (0.1, -0.1)
    """
    return -log_lift if higher_is_better else log_lift


def holm(p: Sequence[float]) -> list[float]:
    """Holm's adjusted p: sorted, the i-th times (m − i + 1), made monotone, at most 1 (Holm 1979).

    >>> [round(value, 6) for value in holm([0.012, 0.034, 0.041, 0.2, 0.65])]
    [0.06, 0.136, 0.136, 0.4, 0.65]
    """
    order = np.argsort(p, kind="stable")
    factors = np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(np.asarray(p)[order] * factors), 1.0)
    return [float(value) for value in adjusted]


def gate(z: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """Each guardrail's one-sided p = 1 − Φ(Z_g) and Holm's adjustment of it: fixed, for the look at hand only.

    >>> {name: round(adjusted, 4) for name, (_, adjusted) in gate({"skips": 2.0, "returns": 0.0}).items()}
    {'skips': 0.0455, 'returns': 0.5}
    """
    p = [float(normal_above(value)) for value in z.values()]
    return dict(zip(z, zip(p, holm(p), strict=True), strict=True))


def failures(
    z: Mapping[str, float], already: int, number: int, times: tuple[float, ...], look: int, alpha: float
) -> tuple[str, ...]:
    """The guardrails that fail at this look for the first time.

    Step down through them: the largest Z_g fails if above c_k(α/number), the next above c_k(α/(number − 1)) … One-sided O'Brien–Fleming constants, Holm's α_i = α/(number − i + 1) (Holm 1979; for repeated looks Ye, Li, Liu &
    Yao 2013): at most α of the studies in which no guardrail is worse by the margin ever fail one.

    Parameters
    ----------
    z
        Z_g of the guardrails that have not failed before and can be read.
    already
        How many have failed at earlier looks.
    number
        All guardrails of the study.
    times, look
        Information times of the looks, and which of them this is (from 1).

    Examples
    --------
    >>> failures({"skips": 9.0, "returns": 0.0}, 0, 2, (0.5, 1.0), 1, 0.10)
    ('skips',)
    """
    failed: list[str] = []
    for name in sorted(z, key=lambda name: -z[name]):
        if z[name] <= boundary(number - already - len(failed), times, look, alpha):
            break
        failed.append(name)
    return tuple(failed)


def boundary(number: int, times: tuple[float, ...], look: int, alpha: float) -> float:
    """c_k(α/number): the one-sided constant of a look when `number` guardrails are still to be judged.

    >>> round(boundary(1, (1.0,), 1, 0.10), 4)
    1.2816
    """
    return constants(times, alpha / number, obrien_fleming)[look - 1]


def status(failed: bool, p_holm: float | None, safe_z: float | None, alpha: float, safe_boundary: float) -> Status:
    """One word for a guardrail.

    *fail* once failed; *gate* while Holm's fixed p ≤ α; *proven_safe* where (m − h)/SE lies above c_k(α); else
    *inconclusive*, which also stands for a guardrail that cannot be read yet.

    Examples
    --------
    >>> status(False, 0.6, 0.1, 0.10, 1.6)
    'inconclusive'
    """
    if failed:
        return "fail"
    if p_holm is not None and p_holm <= alpha:
        return "gate"
    if safe_z is not None and safe_z > safe_boundary:
        return "proven_safe"
    return "inconclusive"
