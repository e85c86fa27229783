"""Users' rows, segments and tables over users: the stream's and the oracle's are those of plain Python at every tick."""

from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from batch.oracle import Oracle
from livelift.errors import StudyError
from livelift.event_time import DAY
from livelift.study import load_study, parse_study
from tests.studies.viewings import answer, make
from tests.support.pure_pipeline import run_pure
from tests.support.small_study import START, TABLED
from tests.unit.test_tables import TEXT

WITHOUT = TEXT[: TEXT.index("[users.values]")]

USERS = '[users.values]\nviews = {count = "event"}\nfirst = {min = "day"}\nlast = {max = "day"}\nmean = {mean = "watched"}\nd7 = {returned = 7}\n'
"""The beginning of a declaration that is right."""

SIZE = '[segments.size]\nof = "views"\nbins = {few = {below = 3}, many = {at_least = 3}}\n'


@pytest.mark.parametrize(
    ("declared", "key", "fix"),
    [
        (SIZE, "users", "[users.values]"),
        ('[users.values]\nuser = {count = "event"}', "users.values", "name of the key"),
        ('[users.values]\nn = {distinct = "place"}', "users.values.n.distinct", "use one of: user"),
        ('[users.values]\nn = {returned = 0}', "users.values.n.returned", "1 or more days"),
        ('[users.values]\nn = {returned = 1, where = {genre = "x"}}', "users.values.n.where", "leave it out"),
        ('[users.values]\nn = {count = "event", first_days = 0}', "users.values.n.first_days", "1 or more days"),
        ('[users.values]\nn = {count = "event", exceeds = ["watched"]}', "users.values.n.exceeds", "two integer fields"),
        ('[users.values]\nn = {count = "event", exceeds = ["watched", "genre"]}', "users.values.n.exceeds", "watched, length"),
        ('[users.values]\nn = {min = "day", divide_by = 7}', "users.values.n.divide_by", "shown as a date"),
        (USERS + 'n = {difference = ["last", "views"]}', "users.values.n.difference", "two days, or two numbers"),
        (USERS + 'n = {difference = ["mean", "views"]}', "users.values.n.difference", "no mean"),
        (USERS + 'n = {difference = ["views"]}', "users.values.n.difference", "two earlier"),
        (USERS + 'n = {ratio = ["last", "views"]}', "users.values.n.ratio", "no day"),
        (USERS + '[segments.size]\nof = "size"\nwindow = "day"', "segments.size.of", "views, first"),
        (USERS + '[segments.size]\nof = "views"', "segments.size", "give it bins, or a window"),
        (USERS + '[segments.size]\nof = "views"\nwindow = "day"', "segments.size.window", "a value that is a day"),
        (USERS + '[segments.size]\nof = "first"\nbins = {few = {below = 3}}', "segments.size.bins", "use a window"),
        (USERS + '[segments.size]\nof = "views"\nbins = {a = {below = 3}, b = {at_least = 2}}', "segments.size.bins", "no two overlap"),
        (USERS + '[segments.size]\nof = "views"\nbins = {a = {at_least = 3, below = 3}}', "segments.size.bins", "be a range"),
        (USERS + '[segments.size]\nof = "views"\nbins = {other = {below = 3}}', "segments.size.bins", "who is in no bin"),
        (USERS + SIZE.replace("size", "views"), "segments.views", "column of a user"),
        (USERS + SIZE.replace("size", "user"), "segments.user", "column of a user"),
        (USERS + '[segments.size]\nof = "views"\nbins = {a = {}}', "segments.size.bins", "a range"),
        (USERS + '[user_tables.t]\nretention = ["d7", "d7"]', "user_tables.t.retention", "once"),
        (USERS + 'from_ = {min = "day", where = {genre = "x"}}\nwait = {difference = ["last", "from_"]}\n[user_tables.t]\nvalues = {n = {mean = "wait"}}', "user_tables.t.values.n.mean", "use one of: views, mean"),
        ('[tables.t]\nrank_by = "last"\nvalues = {last = {max = "day"}, n = {count = "event"}}', "tables.t.rank_by", "use one of: n"),
        ('[tables.t]\nvalues = {n = {count = "event", divide_by = 9000000000000000000}}', "tables.t.values.n.divide_by", "1 to 1,000,000,000"),
        (USERS + "[user_tables.t]", "user_tables.t", "declare a column"),
        (USERS + '[user_tables.daily]\nretention = ["d7"]', "user_tables.daily", "a table of this name"),
        (USERS + '[user_tables.t]\nby = ["size"]\nretention = ["d7"]', "user_tables.t.by", "declare a segment"),
        (USERS + '[user_tables.t]\nretention = ["views"]', "user_tables.t.retention", "d7"),
        (USERS.replace("min", "max") + '[user_tables.t]\nretention = ["d7"]', "user_tables.t", "first_day"),
        (USERS + '[user_tables.t]\nvalues = {n = {sum = "mean"}}', "user_tables.t.values.n.sum", "use one of: views"),
        (USERS + '[user_tables.t]\nvalues = {n = {mean = "first"}}', "user_tables.t.values.n.mean", "use one of: views, mean"),
        (USERS + '[user_tables.t]\nvalues = {n = {share = "views"}}', "user_tables.t.values.n.share", "d7"),
        (USERS + '[user_tables.t]\nvalues = {n = {}}', "user_tables.t.values.n", "one of: count, sum"),
        (USERS + '[user_tables.t]\nvalues = {n = {share = "d7", colour = 1}}', "user_tables.t.values.n", "docs/14-tables.md"),
    ],
)  # fmt: skip
def test_a_wrong_declaration_is_refused(declared: str, key: str, fix: str) -> None:
    with pytest.raises(StudyError) as error:
        parse_study(f"{WITHOUT}\n{declared}\n".encode(), "study.toml")
    assert f"key '{key}'" in error.value.what, error.value.what
    assert fix in f"{error.value.what} {error.value.fix}"


def test_the_declaration_that_the_wrong_ones_come_from_is_right() -> None:
    table = (
        '[user_tables.t]\nby = ["size"]\nvalues = {n = {count = "user"}, m = {mean = "views"}, d7 = {share = "d7"}}\n'
    )
    assert "t" in parse_study(f"{WITHOUT}\n{USERS}{SIZE}{table}".encode(), "study.toml").user_tables


@pytest.fixture(scope="module")
def viewings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("viewings") / "input"
    make.main(path)
    return path


Event = tuple[int, int, int, str]
"""Time in ms, seconds watched, length, genre."""


def people_of(data: Path) -> dict[str, list[Event]]:
    """User → accepted events in the order of their times, by the study's own plain-Python answer."""
    found = defaultdict(list)
    for event in answer.accepted(data):
        moment, user, watched, length, genre = event[:5]
        found[user].append((round(moment.timestamp() * 1000), watched, length, genre))
    return {user: sorted(events, key=lambda event: event[0]) for user, events in found.items()}


def row_of(events: list[Event]) -> dict[str, Any]:
    days = sorted({time // DAY for time, *_ in events})
    shown = [(date(1970, 1, 1) + timedelta(days=day)).isoformat() for day in (days[0], days[-1])]
    return {
        "views": len(events),
        "first_view": shown[0],
        "last_view": shown[1],
        "days_active": days[-1] - days[0],
        "genres": len({genre for *_, genre in events}),
        "d7": int(days[0] + 7 in days),
        "d1": int(days[0] + 1 in days),
        "share": sum(min(1, watched / length) for _, watched, length, _ in events) / len(events) * 100,
        "early": sum(watched for time, watched, _, _ in events if time // DAY < days[0] + 7) / 60,
        "beyond": sum(watched > length and genre in ("Drama", "Crime") for _, watched, length, genre in events),
    }


def near(value: Any) -> Any:
    """A quotient is kept to a billionth."""
    return pytest.approx(value, rel=1e-8, abs=1e-7) if isinstance(value, float) else value


def name_of(value: float, bins: list[tuple[str, float]]) -> str:
    return next((name for name, least in bins if value >= least), "other")


def engagement(row: dict[str, Any]) -> str:
    return name_of(row["views"], [("Heavy", 20), ("Regular", 5), ("Light", 1)])


def promptness(row: dict[str, Any]) -> str:
    return name_of(row["share"], [("to_the_end", 70), ("half", 40)])


def week(row: dict[str, Any]) -> str:
    first = date.fromisoformat(row["first_view"])
    return (first - timedelta(days=first.weekday())).isoformat()


def is_over(row: dict[str, Any], days: int, tick: int) -> bool:
    return (date.fromisoformat(row["first_view"]) - date(1970, 1, 1)).days + days + 1 <= tick // DAY


def grouped(rows: list[dict[str, Any]], key: Callable[[dict[str, Any]], Any]) -> dict[Any, list[dict[str, Any]]]:
    found = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return found


def share(rows: list[dict[str, Any]], name: str, days: int, tick: int) -> float | None:
    over = [row[name] for row in rows if is_over(row, days, tick)]
    return sum(over) / len(over) if over else None


@pytest.mark.parametrize("partitions", [1, 4])
def test_users_are_what_plain_python_counts_at_every_tick(partitions: int, viewings: Path, tmp_path: Path) -> None:
    study = load_study("tests/studies/viewings")
    everybody = people_of(viewings)
    run = run_pure(
        viewings,
        tmp_path / "cache",
        study,
        partitions=partitions,
        seed=partitions,
        tables_each=1 if partitions == 1 else 20,
    )
    for sums, tables in run.tables:
        tick = sums.time
        seen = {
            user: [event for event in events if event[0] < tick or sums.ended] for user, events in everybody.items()
        }
        rows = [{"user": user, **row_of(events)} for user, events in sorted(seen.items()) if events]
        assert [row["user"] for row in tables["users"]] == [row["user"] for row in rows]
        for mine, row in zip(tables["users"], rows, strict=True):
            kept = {"engagement": engagement(row), "cohort": week(row), "promptness": promptness(row)}
            assert mine == {name: near(value) for name, value in (row | kept).items()}
        by = grouped(rows, engagement)
        assert tables["engagement"] == [
            {
                "segment": name,
                "users": len(by[name]),
                "views": sum(row["views"] for row in by[name]),
                "days_active": pytest.approx(sum(row["days_active"] for row in by[name]) / len(by[name]), rel=1e-12),
            }
            for name in ("Heavy", "Regular", "Light")
            if by[name]
        ]
        assert tables["cohorts"] == [
            {"week": name, "users": len(some), "d7": share(some, "d7", 7, tick)}
            for name, some in sorted(grouped(rows, week).items())
        ]
        for (days, name), found in zip([(1, "d1"), (7, "d7")], tables["retention"], strict=True):
            over = [row[name] for row in rows if is_over(row, days, tick)]
            assert found == {
                "day": days,
                "users": len(over),
                "retained": sum(over),
                "share": share(rows, name, days, tick),
            }
        both = grouped(rows, lambda row: (engagement(row), promptness(row)))
        assert {(row["segment"], row["promptness"]): (row["users"], row["d7"]) for row in tables["promptness"]} == {
            key: (len(some), share(some, "d7", 7, tick)) for key, some in both.items()
        }


def test_a_share_changes_with_time_alone(viewings: Path, tmp_path: Path) -> None:
    """Whose later day is over is known at a midnight, without an event of theirs."""
    run = run_pure(viewings, tmp_path / "cache", load_study("tests/studies/viewings"), tables_each=10)
    first, second = run.tables[0][1]["retention"][1], run.tables[1][1]["retention"][1]
    assert first["users"] < second["users"] <= len(run.tables[1][1]["users"])


@pytest.mark.parametrize("name", TABLED)
def test_sessions_of_users_equal_the_batch_at_every_tick(name: str, tmp_path: Path) -> None:
    """Of both kinds of windows, with late events too; a session counts when it begins."""
    study = TABLED[name]
    source = msgspec.structs.replace(study.source, not_before=date(1970, 1, 1))
    study = msgspec.structs.replace(study, source=source)
    data = tmp_path / "userid-timestamp.tsv"
    lines = []
    for number in range(4_000):
        time = START - DAY + (number * 7_919_113) % (6 * DAY)
        moment = str(date(1970, 1, 1) + timedelta(days=time // DAY))
        clock = f"{time % DAY // 3_600_000:02d}:{time % 3_600_000 // 60_000:02d}:{time % 60_000 // 1_000:02d}"
        lines.append(f"u{number * number % 37}\t{moment}T{clock}Z\t\t{'XYZ'[number % 3]}\t\ttrack\n")
    data.write_text("".join(lines), encoding="utf-8")
    run = run_pure(data, tmp_path / "cache", study, partitions=2, seed=5, tables_each=1)
    with Oracle(data, study) as oracle:
        for sums, tables in run.tables:
            assert tables == oracle.tables(None if sums.ended else sums.time)
    sessions = {row["user"]: row["sessions"] for row in tables["users"]}
    assert sum(sessions.values()) == len(run.sessions) if study.windows.kind == "gap" else 4_000
    assert max(row["early"] for row in tables["users"]) < max(sessions.values())


ODD = """
[tables.by_time]
by = ["genre"]

[tables.by_time.values]
first = {min = "day"}
last = {max = "day", hidden = true}
since = {min = "day", where = {genre = "Drama"}}
span = {difference = ["last", "first"]}
order = {count = "event"}
row = {sum = "watched", divide_by = 3, times = 999983}

[users.values]
user_id = {count = "event"}
k0 = {sum = "watched"}
first_day = {min = "day"}
dramas = {min = "day", where = {genre = "Drama"}}
wait = {difference = ["dramas", "first_day"]}
early = {distinct = "genre", first_days = 7, where = {genre = ["Drama", "Crime"]}}
each = {ratio = ["k0", "user_id"], divide_by = 60}
of_each = {ratio = ["each", "user_id"], times = 100}
back = {returned = 1}

[segments.waits]
of = "wait"
column = "k0"
bins = {"it's none" = {below = 1}, "some" = {at_least = 1}}

[segments.part]
of = "dramas"
window = "day"

[user_tables.select]
by = ["part", "waits"]
values = {k1 = {count = "user"}, early = {mean = "early"}, back = {share = "back"}}

[user_tables.person]
by = ["waits"]
retention = ["back"]
"""
"""Names that SQL and the oracle have for themselves, empty values, columns of all kinds."""


def test_names_and_empty_values_make_no_difference(viewings: Path, tmp_path: Path) -> None:
    study = parse_study(f"{TEXT[: TEXT.index('[tables.')]}\n{ODD}".encode(), "study.toml")
    run = run_pure(viewings, tmp_path / "cache", study, partitions=3, seed=2, tables_each=5)
    with Oracle(viewings, study) as oracle:
        for sums, tables in run.tables:
            assert tables == oracle.tables(None if sums.ended else sums.time)
    assert {row["waits"] for row in tables["users"]} == {"it's none", "some", "other"}
    assert any(row["dramas"] is None for row in tables["users"])
    assert {row["since"] is None for row in tables["by_time"]} == {True, False}
