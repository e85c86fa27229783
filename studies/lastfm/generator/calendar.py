"""Chooses the days and the number of users that a file of a given size covers.

Fewer events first shorten the calendar around the experiment period; only when it cannot get shorter are users cut.
"""

from dataclasses import dataclass
from datetime import date

from livelift.errors import SettingsError
from livelift.event_time import DAY, from_date
from livelift.study import Study

PUBLISHED_FIRST, PUBLISHED_LAST = date(2005, 2, 14), date(2009, 6, 19)
PUBLISHED_USERS, PUBLISHED_ROWS = 992, 19_150_868

_DAYS_AFTER = 4  # so that the period's last sessions close and its last user-days resolve
_DAYS_BEFORE = 1  # beyond the pre-period, so that a session can be open when it begins
_FEWEST_A_USER = 1_800  # plays; for fewer in the shortest calendar users are cut
_PLAYS_A_USER_DAY = PUBLISHED_ROWS / PUBLISHED_USERS / (PUBLISHED_LAST - PUBLISHED_FIRST).days


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days since 1970-01-01 UTC: the file covers [first, end), the experiment [period_first, period_end).

    `published_first` is where the full calendar begins: people join from there on, whatever the file covers of it.
    Events at or after `limit` would be rejected.
    """

    first: int
    end: int
    period_first: int
    period_end: int
    published_first: int
    limit: int


def plan_calendar(events: int, users: int | None, study: Study) -> tuple[Calendar, int]:
    """The days of a file, and its users if nobody gave their number.

    Raises
    ------
    SettingsError
        If the study accepts no events where the file would need them.
    """
    experiment = study.experiment
    period_first, period_end = _day(experiment.period_start), _day(experiment.period_end)
    earliest, limit = _day(study.source.not_before), _day(study.source.before)
    if period_first < earliest or period_end >= limit:
        raise SettingsError(
            f"the study '{study.name}' accepts no events around its period",
            "widen input.not_before and input.before in its file",
        )
    # The last accepted day stays free: a session that begins on the day before runs into it.
    short = (
        max(earliest, period_first - experiment.pre_period_days - _DAYS_BEFORE),
        min(limit - 1, period_end + _DAYS_AFTER),
    )
    full = (
        max(earliest, min(_day(PUBLISHED_FIRST), short[0])),
        min(limit - 1, max(_day(PUBLISHED_LAST) + 1, short[1])),
    )
    short_days, spare_days = short[1] - short[0], (full[1] - full[0]) - (short[1] - short[0])
    if users is None:
        users = min(PUBLISHED_USERS, max(1, round(events / _FEWEST_A_USER)))
    wanted_days = events / users / _PLAYS_A_USER_DAY
    share = min(1.0, max(0.0, (wanted_days - short_days) / spare_days)) if spare_days else 0.0
    calendar = Calendar(
        first=short[0] - round(share * (short[0] - full[0])),
        end=short[1] + round(share * (full[1] - short[1])),
        period_first=period_first,
        period_end=period_end,
        published_first=full[0],
        limit=limit,
    )
    return calendar, users


def _day(day: date) -> int:
    return from_date(day) // DAY
