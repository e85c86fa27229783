"""Parses the time formats that people's exports have, one text at a time; `utc_text` parses the published format in
blocks.

Read are a date and a time of day with `T` or a space between, seconds and a fraction or none, and `Z`, `UTC`, an offset or
nothing, which is UTC; and Unix time in seconds, milli-, micro- or nanoseconds, told by the number of digits. Nothing else:
a date alone has no time of day, and 02/03/2009 is two different days.
"""

import re
from datetime import date

from livelift.event_time import MINUTE, SECOND, from_date

WANTED = "2009-03-02T08:00:00Z"
"""The form to name to a person."""

MOST_OFFSET_HOURS = 14

_CLOCK = re.compile(
    rb"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
    rb"(?: ?(?P<zone>Z|z|UTC|GMT|(?P<sign>[+-])(?P<hours>\d\d)(?::?(?P<minutes>\d\d))?))?"
)
_UNIX_SECONDS = re.compile(rb"(\d{10})(?:\.(\d{1,9}))?")
_UNIX_DIGITS = {13: 1, 16: 1_000, 19: 1_000_000}
"""Number of digits → units of it in a millisecond."""


def read_time(text: bytes) -> int | None:
    """`text` in ms since 1970, what is below a millisecond cut off; None if it is in no form that is read.

    >>> read_time(b"2009-03-02 08:00:00+01:00") == read_time(b"2009-03-02T07:00:00Z") == read_time(b"1235977200")
    True
    """
    clock = read_clock(text)
    return read_number(text) if clock is None else clock[0]


def read_clock(text: bytes) -> tuple[int, bool] | None:
    """A date with a time of day in ms, as if it were UTC where it has no offset; and has it one?

    >>> read_clock(b"2009-03-02T08:00:00Z"), read_clock(b"2009-03-02 08:00")
    ((1235980800000, True), (1235980800000, False))
    """
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    time = _of_clock(*found.groups()[:7], *found.group("sign", "hours", "minutes"))
    return None if time is None else (time, found["zone"] is not None)


def read_number(text: bytes) -> int | None:
    """Unix time in ms; its unit is told by the number of digits."""
    if seconds := _UNIX_SECONDS.fullmatch(text):
        return int(seconds[1]) * SECOND + _millis(seconds[2])
    if len(text) in _UNIX_DIGITS and text.isdigit():
        return int(text) // _UNIX_DIGITS[len(text)]
    return None


def _of_clock(
    year: bytes, month: bytes, day: bytes, hour: bytes, minute: bytes, second: bytes | None, fraction: bytes | None,
    sign: bytes | None, offset_hours: bytes | None, offset_minutes: bytes | None,
) -> int | None:  # fmt: skip
    h, m, s = int(hour), int(minute), int(second or 0)
    offset = 60 * int(offset_hours or 0) + int(offset_minutes or 0)
    if h > 23 or m > 59 or s > 59 or int(offset_minutes or 0) > 59 or offset > 60 * MOST_OFFSET_HOURS:
        return None
    try:
        midnight = from_date(date(int(year), int(month), int(day)))
    except ValueError:
        return None
    local = midnight + (60 * h + m) * MINUTE + s * SECOND + _millis(fraction)
    return local - (-offset if sign == b"-" else offset) * MINUTE


def _millis(fraction: bytes | None) -> int:
    return int((fraction or b"").ljust(3, b"0")[:3])
