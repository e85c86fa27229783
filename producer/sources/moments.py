"""Reads a row's time as the study declares it: its form, the unit of its numbers, the zone of times without an offset."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from livelift.errors import StudyError
from livelift.event_time import from_date
from livelift.source import UNITS, Source
from producer.sources.time_text import read_clock, read_number, read_time

TimeOf = Callable[[str], int | None]
"""A time's text → ms since 1970; None if it is no time."""

ToUtc = Callable[[int], int | None]
"""A local time in ms, as if it were UTC → ms since 1970; None if no clock of the zone ever showed it."""

_NUMBER = re.compile(r"(\d{1,19})(?:\.(\d{1,9}))?", re.ASCII)
_EPOCH = datetime(1970, 1, 1)

YEAR_2, YEAR_9999 = from_date(date(2, 1, 1)), from_date(date(9999, 1, 1))
"""Zones are not applied outside: a moment there may lie in no year of the calendar."""


def time_reader(source: Source) -> TimeOf:
    """What reads the times of `source`.

    Raises
    ------
    StudyError
        If its zone is not known here.

    >>> from livelift.study import load_study
    >>> from studies import DEFAULT
    >>> time_reader(load_study(DEFAULT).source)("2009-03-02 08:00:00+01:00")
    1235977200000
    """
    to_utc = None if source.time_zone == "UTC" else _zone(source.time_zone)
    formatted = _formatted(source.time_format) if source.time_format else None
    unit = UNITS.get(source.time_unit)

    def time_of(text: str) -> int | None:
        if formatted is not None:
            local = formatted(text)
            return local if local is None or to_utc is None else to_utc(local)
        if unit is not None:
            return _of_number(text, unit)
        if to_utc is None:
            return read_time(text.encode())
        clock = read_clock(text.encode())
        if clock is None:
            return read_number(text.encode())
        time, has_offset = clock
        return time if has_offset else to_utc(time)

    return time_of


def _zone(name: str) -> ToUtc:
    """What converts the zone's local times. Of a time that its clocks showed twice it is the first."""
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise StudyError(
            f"key 'source.time_zone': the time zone '{name}' is not known on this machine",
            'use an IANA name: "Europe/Berlin"; if it is one, install the tzdata package',
        ) from None

    def to_utc(local: int) -> int | None:
        if not YEAR_2 <= local < YEAR_9999:
            return local  # at the calendar's ends, which no study reaches
        seconds, millis = divmod(local, 1000)
        shown = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
        moment = shown.replace(tzinfo=zone).astimezone(UTC)
        again = moment.astimezone(zone).replace(tzinfo=None)
        return int(moment.timestamp()) * 1000 + millis if again == shown else None

    return to_utc


def _formatted(form: str) -> Callable[[str], int | None]:
    """What reads the form, which names the date whole; parts of the time of day that it lacks are 0."""
    parts = ["", *re.findall(r"%.|.", form), ""]
    pattern = re.compile("".join(map(_part, parts, parts[1:], parts[2:])), re.ASCII)

    def read(text: str) -> int | None:
        found = pattern.fullmatch(text)
        if found is None:
            return None
        parts = {name: int(digits) for name, digits in found.groupdict().items()}
        try:
            moment = datetime(
                parts["Y"], parts["m"], parts["d"], parts.get("H", 0), parts.get("M", 0), parts.get("S", 0)
            )
        except ValueError:
            return None
        return int((moment - _EPOCH).total_seconds()) * 1000

    return read


def _part(before: str, part: str, after: str) -> str:
    """A part of the form as a regular expression: one digit will do only where its neighbours are no digits."""
    if len(part) == 1:
        return re.escape(part)
    if part == "%Y":
        return r"(?P<Y>\d{4})"
    beside = any(len(other) == 2 or other.isdigit() for other in (before, after))
    return rf"(?P<{part[1]}>\d{{{'2' if beside else '1,2'}}})"


def _of_number(text: str, unit: int) -> int | None:
    """A number in the unit, what is below a millisecond cut off.

    >>> _of_number("1235977200.25", 1000), _of_number("1235977200250900", -1000), _of_number("12 h", 1)
    (1235977200250, 1235977200250, None)
    """
    found = _NUMBER.fullmatch(text)
    if found is None or (found[2] and unit != 1_000):
        return None
    whole = int(found[1])
    if unit < 0:
        return whole // -unit
    return whole * unit + int((found[2] or "").ljust(3, "0")[:3])
