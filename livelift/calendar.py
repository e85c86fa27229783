"""Tumbling windows of event time in UTC: hours, days, weeks that begin on Monday, months, and all of time."""

from calendar import monthrange
from datetime import UTC, date, datetime

from livelift.event_time import DAY, MINUTE, from_date

HOUR = 60 * MINUTE

ALL = 0
"""Where the window that never ends begins."""

THURSDAY = 3
"""The weekday of 1970-01-01, Monday = 0."""


def window_start(window: str, time: int) -> int:
    """When the window that holds the moment `time` begins, both in ms.

    >>> day = from_date(date(2026, 11, 28))  # a Saturday
    >>> [shown(kind, window_start(kind, day + 5 * HOUR)) for kind in ("hour", "day", "week", "month")]
    ['2026-11-28T05:00:00Z', '2026-11-28', '2026-11-23', '2026-11']
    """
    if window == "all":
        return ALL
    if window == "hour":
        return time // HOUR * HOUR
    if window == "month":
        return from_date(_date(time).replace(day=1))
    day = time // DAY
    return (day - (day + THURSDAY) % 7 if window == "week" else day) * DAY


def window_end(window: str, time: int) -> int:
    """When the window that holds the moment `time` ends, both in ms; not of *all*.

    >>> shown("day", window_end("month", from_date(date(2026, 12, 31))))
    '2027-01-01'
    """
    if window == "month":
        day = _date(time)
        return from_date(day.replace(day=1)) + monthrange(day.year, day.month)[1] * DAY
    return window_start(window, time) + {"hour": HOUR, "day": DAY, "week": 7 * DAY}[window]


def hour_of_day(time: int) -> int:
    """0 to 23."""
    return time % DAY // HOUR


def weekday(time: int) -> int:
    """1 to 7, Monday = 1.

    >>> weekday(from_date(date(2026, 11, 28)))
    6
    """
    return (time // DAY + THURSDAY) % 7 + 1


def shown(window: str, start: int) -> str:
    """A window as a person reads it: an hour by its first moment, a week by its Monday, a month as YYYY-MM."""
    day = _date(start)
    if window == "hour":
        return f"{day.isoformat()}T{hour_of_day(start):02d}:00:00Z"
    return day.isoformat()[:7] if window == "month" else day.isoformat()


def _date(time: int) -> date:
    return datetime.fromtimestamp(time // 1_000, UTC).date()
