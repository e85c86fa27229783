"""Small inputs of the studies `shows` and `push`, and what their tables have to say: counted by hand, at the bounds of every definition."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from batch.oracle import Oracle
from livelift.study import load_study
from tests.support.pure_pipeline import run_pure

Row = dict[str, Any]


def view(user: int, day: str, watched: int = 600, length: int = 1000, **more: str) -> Row:
    """A viewing at eight in the evening."""
    return {
        "user_id": user,
        "created_date": day,
        "created_at": f"{day}T20:00:00",
        "timezone": "Pacific",
        "state": "CA",
        "show_duration_seconds": length,
        "user_watch_duration_seconds": watched,
        "show_id": 1,
        "show_name": "One",
        "show_type": "Movie",
        "show_genre": "Drama",
        "show_rating": "PG",
        "show_description": "",
    } | more


def tables_of(study_name: str, data: Path, folder: Path) -> dict[str, list[Row]]:
    """By stream and oracle, which have to agree."""
    study = load_study(study_name)
    live = run_pure(data, folder / "cache", study, partitions=2).tables[-1][1]
    with Oracle(data, study) as oracle:
        assert live == oracle.tables()
    return live


def shows(rows: list[Row], folder: Path) -> dict[str, list[Row]]:
    data = folder / "streaming_data.json"
    data.write_text(json.dumps(rows))
    return tables_of("shows", data, folder)


def users_by(tables: dict[str, list[Row]], segment: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in tables["users"]:
        found.setdefault(row[segment], []).append(row["user"])
    return found


def test_completion_is_a_mean_of_rows_that_are_cut_at_100(tmp_path: Path) -> None:
    """50 %, 100 % for 120 % and 30 %: 60 in the mean, not 1,700 / 2,500 = 68."""
    rows = [view(1, "2024-05-06", 250, 500), view(1, "2024-05-07", 1200, 1000), view(2, "2024-05-07", 300, 1000)]
    tables = shows(rows, tmp_path)
    (overall,) = tables["overall"]
    assert overall == {
        "views": 3,
        "users": 2,
        "watch_hours": 1750 / 3600,
        "completion": pytest.approx(60.0),
        "longer_than_the_show": 1,
        "percent_longer": pytest.approx(100 / 3),
    }
    assert [(row["day"], row["views"], row["completion"]) for row in tables["daily"]] == [
        ("2024-05-06", 1, pytest.approx(50.0)),
        ("2024-05-07", 2, pytest.approx(65.0)),
    ]
    (state,) = tables["state"]
    assert state["views_per_user"] == 1.5


def test_the_bounds_of_the_completion_segments(tmp_path: Path) -> None:
    watched = {1: 800, 2: 799, 3: 600, 4: 599, 5: 400, 6: 399, 7: 0, 8: 5000}
    tables = shows([view(user, "2024-05-06", seconds) for user, seconds in watched.items()], tmp_path)
    assert users_by(tables, "completion_segment") == {
        "Completionist": ["1", "8"],
        "Engaged": ["2", "3"],
        "Selective": ["4", "5"],
        "Browser": ["6", "7"],
    }
    assert [(row["segment"], row["users"]) for row in tables["completion_segment"]] == [
        ("Completionist", 2),
        ("Engaged", 2),
        ("Selective", 2),
        ("Browser", 2),
    ]


def test_the_bounds_of_engagement(tmp_path: Path) -> None:
    views = {1: 1, 2: 4, 3: 5, 4: 9, 5: 10, 6: 19, 7: 20, 8: 33}
    rows = [
        view(user, (date(2024, 5, 1) + timedelta(days=day)).isoformat())
        for user, number in views.items()
        for day in range(number)
    ]
    tables = shows(rows, tmp_path)
    assert users_by(tables, "engagement") == {
        "Light": ["1", "2"],
        "Casual": ["3", "4"],
        "Regular": ["5", "6"],
        "Heavy": ["7", "8"],
    }
    assert [(row["segment"], row["users"], row["views"], row["days_active"]) for row in tables["engagement"]] == [
        ("Heavy", 2, 53, 25.5),
        ("Regular", 2, 29, 13.5),
        ("Casual", 2, 14, 6.0),
        ("Light", 2, 5, 1.5),
    ]


def test_the_bounds_of_the_lifecycle_are_days_of_a_span(tmp_path: Path) -> None:
    """Two views on a day are a single day; the 7th day after is a week, the 8th a month."""
    after = {1: 0, 2: 1, 3: 7, 4: 8, 5: 30, 6: 31, 7: 90, 8: 91}
    rows = []
    for user, days in after.items():
        rows += [view(user, "2024-04-01"), view(user, (date(2024, 4, 1) + timedelta(days=days)).isoformat(), 601)]
    tables = shows(rows, tmp_path)
    assert users_by(tables, "lifecycle") == {
        "Single Day": ["1"],
        "1 Week": ["2", "3"],
        "1 Month": ["4", "5"],
        "3 Months": ["6", "7"],
        "3+ Months": ["8"],
    }
    assert [row["segment"] for row in tables["lifecycle"]] == [
        "Single Day",
        "1 Week",
        "1 Month",
        "3 Months",
        "3+ Months",
    ]


def test_weeks_begin_on_monday_and_days_are_the_viewers_own(tmp_path: Path) -> None:
    rows = [
        view(1, "2024-06-30") | {"created_at": "2024-06-30T23:59:59"},  # a Sunday
        view(1, "2024-07-01") | {"created_at": "2024-07-01T00:00:00"},  # a Monday, another month
    ]
    tables = shows(rows, tmp_path)
    assert [row["week"] for row in tables["weekly"]] == ["2024-06-24", "2024-07-01"]
    assert [row["month"] for row in tables["monthly"]] == ["2024-06", "2024-07"]
    assert [(row["weekday"], row["views"]) for row in tables["weekday"]] == [(1, 1), (7, 1)]
    assert [(row["hour"], row["views"]) for row in tables["hour_of_day"]] == [(0, 1), (23, 1)]
    assert tables["cohort_month"][0]["month"] == "2024-06"
    assert tables["users"][0]["days_active"] == 1


def push(events: list[str], folder: Path) -> dict[str, list[Row]]:
    """Users a to d, content of four genres."""
    files = {
        "users.csv": [
            "user_id,platform,country,push_group",
            *(f"{user},{'ios' if user < 'c' else 'web'},US,{'A' if user < 'c' else 'B'}" for user in "abcd"),
        ],
        "content.csv": ["content_id,genre,duration_seconds", *(f"{n},genre {n},60" for n in range(1, 5))],
        "events.csv": ["user_id,content_id,event_type,timestamp", *events],
    }
    for name, lines in files.items():
        (folder / name).write_text("\n".join(lines) + "\n")
    return tables_of("push", folder / "events.csv", folder)


END = "d,1,play,2024-02-05 12:00:00"
"""So that the days before are over."""


def test_a_return_is_on_the_very_day(tmp_path: Path) -> None:
    """a comes back on the 7th day, b on the 6th and 8th, c on the 1st and 30th; the 30th day after d's first one is not over."""
    events = [
        "a,1,play,2024-01-01 23:59:59",
        "a,1,play,2024-01-08 00:00:00",
        "b,1,play,2024-01-01 00:00:00",
        "b,1,play,2024-01-07 23:00:00",
        "b,1,play,2024-01-09 01:00:00",
        "c,1,play,2024-01-03 10:00:00",
        "c,1,play,2024-01-04 10:00:00",
        "c,1,play,2024-02-02 10:00:00",
        "d,1,play,2024-01-08 10:00:00",
        END,
    ]
    tables = push(events, tmp_path)
    assert tables["retention"] == [
        {"day": 1, "users": 4, "retained": 1, "share": 0.25},
        {"day": 7, "users": 4, "retained": 1, "share": 0.25},
        {"day": 30, "users": 3, "retained": 1, "share": 1 / 3},
    ]
    assert tables["cohorts"] == [
        {"week": "2024-01-01", "users": 3, "d1": 1 / 3, "d7": 1 / 3, "d30": 1 / 3},
        {"week": "2024-01-08", "users": 1, "d1": 0.0, "d7": 0.0, "d30": None},
    ]


def test_what_is_not_over_is_not_observable(tmp_path: Path) -> None:
    """The last event is on the day after the first: that day is not over."""
    tables = push(["a,1,play,2024-01-01 10:00:00", "a,1,play,2024-01-02 10:00:00"], tmp_path)
    assert [(row["users"], row["share"]) for row in tables["retention"]] == [(0, None)] * 3
    assert tables["diversity"] == [{"genres": "1-2", "users": 1, "d7_share": None}]


def test_genres_explored_are_in_three_groups(tmp_path: Path) -> None:
    explored = {"a": 2, "b": 3, "c": 4, "d": 1}
    events = [
        f"{user},{genre},play,2024-01-01 {genre:02d}:00:00"
        for user, number in explored.items()
        for genre in range(1, number + 1)
    ]
    tables = push([*events, "b,1,play,2024-01-08 01:00:00", END], tmp_path)
    assert tables["diversity"] == [
        {"genres": "1-2", "users": 2, "d7_share": 0.0},
        {"genres": "3", "users": 1, "d7_share": 1.0},
        {"genres": "4+", "users": 1, "d7_share": 0.0},
    ]


def test_sessions_of_the_first_seven_days(tmp_path: Path) -> None:
    """A gap of half an hour goes on, one second more begins another; the seventh day counts, the eighth does not."""
    events = [
        "a,1,play,2024-01-01 10:00:00",
        "a,1,skip,2024-01-01 10:30:00",
        "a,1,play,2024-01-01 11:00:01",
        "a,1,play,2024-01-07 23:59:00",
        "a,1,pause,2024-01-08 00:10:00",
        "a,1,play,2024-01-08 09:00:00",
        "b,1,play,2024-01-02 09:00:00",
        "c,1,play,2024-01-02 09:00:00",
        END,
    ]
    tables = push(events, tmp_path)
    assert tables["platform"] == [
        {"platform": "ios", "users": 2, "sessions_7d": 2.0},
        {"platform": "web", "users": 2, "sessions_7d": 1.0},
    ]
    of_a = tables["users"][0]
    assert (of_a["sessions"], of_a["sessions_7d"], of_a["plays"], of_a["skips"]) == (4, 3, 4, 1)
