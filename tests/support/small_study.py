"""The `lastfm` study with a short period, so that a few days of events exercise all of its rules."""

from datetime import date

import msgspec

from livelift.event_time import DAY
from livelift.measures import Between, Measure
from livelift.retention import Retention
from livelift.source import Field
from livelift.study import Study, load_study
from livelift.tables import Table, TableValue
from livelift.user_tables import Segment, Users, UserTable, UserValue

MINUTE = 60_000


def small_study(days: int = 4, **statistics: int) -> Study:
    """lastfm with a period of `days` from 1970-01-11, a pre-period of 3 days, and few buckets, draws and users."""
    study = load_study("lastfm")
    replace = msgspec.structs.replace
    return replace(
        study,
        experiment=replace(
            study.experiment, period_start=date(1970, 1, 11), period_end=date(1970, 1, 11 + days), pre_period_days=3
        ),
        statistics=replace(study.statistics, **({"buckets": 16, "draws": 100, "minimum_users": 2} | statistics)),
    )


def row_study(days: int = 4) -> Study:
    """The small study with rows as windows: each event is a session."""
    study, replace = small_study(days), msgspec.structs.replace
    return replace(
        study,
        windows=replace(study.windows, kind="row", gap_seconds=0),
        fields={"artist": Field("text")},
        measures={"seconds": Measure(count="event"), "xs": Measure(count="event", where={"artist": "X"})},
        metrics={name: one for name, one in study.metrics.items() if one.numerator in ("sessions", "")}
        | {"session_duration": study.metrics["session_duration"]},
    )


def retention_study(windows: str, days: int = 4) -> Study:
    """One of the two with several retentions, some due at the same midnights."""
    study, replace = row_study(days) if windows == "row" else small_study(days), msgspec.structs.replace
    pattern = study.metrics["d1_retention"]
    more = {
        "exposed": Retention("exposure", 1),
        "first": Retention("first_activity", 2),
        "later": Retention("every_day", 2),
    }
    return replace(
        study,
        metrics=study.metrics | {name: replace(pattern, retention=retention) for name, retention in more.items()},
    )


def armed_study(windows: str, days: int = 4) -> Study:
    """As `retention_study`, with the artist naming the arm: x control, y treatment, z none."""
    study = retention_study(windows, days)
    return msgspec.structs.replace(
        study,
        experiment=msgspec.structs.replace(
            study.experiment, arm_field="artist", control_value="X", treatment_value="Y"
        ),
    )


START = 10 * DAY
"""The first instant of the small study's period."""

KINDS = {
    "gap": small_study(),
    "rows": retention_study("row"),
    "gap, arms named": armed_study("gap"),
    "rows, arms named": armed_study("row"),
}
"""A study of each kind of windows and assignment, for the laws that hold for all."""

COUNT, USERS = TableValue(count="event"), TableValue(distinct="user")

TABLES = {
    "hourly": Table({"events": COUNT, "users": USERS}, window="hour"),
    "daily": Table({"events": COUNT, "users": USERS}, window="day", by=["artist"]),
    "weekly": Table({"users": USERS}, window="week"),
    "monthly": Table({"users": USERS, "xs": TableValue(count="event", where={"artist": "X"})}, window="month"),
    "artists": Table({"users": USERS, "events": COUNT}, by=["artist", "weekday"]),
    "hours": Table({"events": COUNT}, by=["hour"]),
}


PEOPLE = Users(
    {
        "events": COUNT,
        "sessions": TableValue(count="session"),
        "early": TableValue(count="session", first_days=2),
        "first": TableValue(min="day"),
        "last": TableValue(max="day"),
        "span": TableValue(difference=["last", "first"]),
        "artists": TableValue(distinct="artist"),
        "d1": TableValue(returned=1),
        "d2": TableValue(returned=2),
    }
)

SEGMENTS = {
    "size": Segment("events", {"few": Between(1, 3), "some": Between(3, 6), "many": Between(6)}),
    "taste": Segment("artists", {"1": Between(1, 2), "2": Between(2, 3)}, column="taste"),
    "week": Segment("first", window="week"),
}

USER_TABLES = {
    "sizes": UserTable(["size", "taste"], {"users": UserValue(count="user"), "span": UserValue(mean="span")}),
    "cohorts": UserTable(["week"], {"users": UserValue(count="user"), "d1": UserValue(share="d1")}),
    "retention": UserTable(retention=["d1", "d2"]),
}


def with_tables(kind: str, lateness: int = 0) -> Study:
    study, replace = KINDS[kind], msgspec.structs.replace
    return replace(
        study,
        tables=TABLES,
        users=PEOPLE,
        segments=SEGMENTS,
        user_tables=USER_TABLES,
        windows=replace(study.windows, allowed_lateness_seconds=lateness),
    )


TABLED = {
    "gap": with_tables("gap"),
    "rows": with_tables("rows"),
    "gap, late by half an hour": with_tables("gap", 1800),
}
"""Studies with tables, for the laws that hold for them too."""
