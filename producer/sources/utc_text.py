"""Parses `YYYY-MM-DDTHH:MM:SSZ` to milliseconds for a block of lines at once; a space may replace the T, the Z may be
missing.
"""

import numpy as np
from numpy.typing import NDArray

LENGTH = 20
"""Bytes of one."""

BARE_LENGTH = LENGTH - 1
"""Bytes of one without its Z."""

_SEPARATORS = {4: b"-", 7: b"-", 10: b"T ", 13: b":", 16: b":", 19: b"Z"}
_DIGITS = [place for place in range(LENGTH) if place not in _SEPARATORS]
_MONTH_LENGTHS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_EPOCH_DAYS = 719_468  # from 0000-03-01 to 1970-01-01


def parse_utc(text: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Parse date texts.

    Parameters
    ----------
    text
        Their ASCII bytes, (n, 20) or (n, 19).

    Returns
    -------
    time
        ms since 1970, (n,); meaningless where not valid.
    valid
        Whether it has exactly this form and names a moment of the proleptic Gregorian calendar, years 1–9999, without
        leap seconds, (n,).
    """
    digits = text - np.uint8(ord("0"))  # wraps around: everything that is no digit is above 9
    valid = (digits[:, _DIGITS] <= 9).all(axis=1)
    for place, separators in _SEPARATORS.items():
        if place < text.shape[1]:
            valid &= (
                np.isin(text[:, place], list(separators)) if len(separators) > 1 else text[:, place] == separators[0]
            )
    d = digits.astype(np.int64)
    year = d[:, 0] * 1000 + d[:, 1] * 100 + d[:, 2] * 10 + d[:, 3]
    month, day, hour, minute, second = (d[:, at] * 10 + d[:, at + 1] for at in (5, 8, 11, 14, 17))
    valid &= (year >= 1) & (month >= 1) & (month <= 12)
    valid &= (day >= 1) & (day <= _month_length(year, np.where(valid, month, 1)))
    valid &= (hour <= 23) & (minute <= 59) & (second <= 59)
    seconds = _days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second
    return seconds * 1_000, valid


def _month_length(year: NDArray[np.int64], month: NDArray[np.int64]) -> NDArray[np.int64]:
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    length: NDArray[np.int64] = _MONTH_LENGTHS[month] + (leap & (month == 2))
    return length


def _days(year: NDArray[np.int64], month: NDArray[np.int64], day: NDArray[np.int64]) -> NDArray[np.int64]:
    """Days since 1970-01-01; the year is taken to begin in March so that the leap day is its last (H. Hinnant,
    chrono-Compatible Low-Level Date Algorithms, 2013, `days_from_civil`)."""
    year = year - (month <= 2)
    era = year // 400
    year_of_era = year - era * 400
    day_of_year = (153 * (month + np.where(month > 2, -3, 9)) + 2) // 5 + day - 1
    days: NDArray[np.int64] = (
        era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - _EPOCH_DAYS
    )
    return days
