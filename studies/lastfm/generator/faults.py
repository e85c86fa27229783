"""Plans the few invalid rows of a generated file: every reason to reject a row occurs, as in the published file."""

from collections import Counter
from typing import NamedTuple

from livelift.event_time import to_iso
from studies.lastfm.generator.calendar import Calendar
from studies.lastfm.generator.randomness import stream

_ROWS_A_FAULT, _MOST = 20_000, 12  # under 0.01 % of the rows, and a handful at any size
_REASONS = ("out_of_range", "columns", "encoding", "date", "user")


MOST_USERS = 999_999
"""What fits the six digits of a user id."""


class Fault(NamedTuple):
    """A bad line, and the second since 1970 by which it stands among its user's rows."""

    reason: str
    time: int
    line: bytes


def plan_faults(events: int, users: int, calendar: Calendar, seed: int) -> dict[int, list[Fault]]:
    """Bad lines by the index of the user among whose rows they stand."""
    rng = stream(seed, 3)
    planned: dict[int, list[Fault]] = {}
    for number in range(min(_MOST, events // _ROWS_A_FAULT)):
        user = int(rng.integers(users))
        inside = int(rng.integers(calendar.first * 86_400, calendar.end * 86_400))
        beyond = int(rng.integers((calendar.limit + 200) * 86_400, (calendar.limit + 1_600) * 86_400))
        reason = _REASONS[number % len(_REASONS)]
        time = beyond if reason == "out_of_range" else inside
        planned.setdefault(user, []).append(Fault(reason, time, _line(reason, user_id(user), time)))
    return planned


def count_by_reason(planned: dict[int, list[Fault]]) -> dict[str, int]:
    """How many bad lines there are of each reason that occurs."""
    counts = Counter(fault.reason for faults in planned.values() for fault in faults)
    return {reason: counts[reason] for reason in _REASONS if counts[reason]}


def user_id(user: int) -> str:
    """The id of the user with this index.

    >>> user_id(0)
    'user_000001'
    """
    return f"user_{user + 1:06d}"


def _line(reason: str, user: str, second: int) -> bytes:
    time = to_iso(second * 1_000)
    fields: tuple[str, ...]
    match reason:
        case "out_of_range":
            fields = (user, time, "", "Wrong Clock", "", "From The Future")
        case "columns":
            fields = (user, time, "", "Five Columns", "")
        case "encoding":
            return b"\t".join((user.encode(), time.encode(), b"", "Björn".encode("latin-1"), b"", b"Not UTF-8\n"))
        case "date":
            fields = (user, f"{time[:8]}32T25:61:00Z", "", "No Such Day", "", "Never")
        case _:
            fields = ("", time, "", "Nobody", "", "Listening Alone")
    return ("\t".join(fields) + "\n").encode()
