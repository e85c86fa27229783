"""The study of push reminders: stream, oracle and plain Python agree, and the generated data has what was planted."""

import csv
import json
import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from batch.document import batch_answer
from batch.oracle import Oracle
from livelift.errors import SettingsError
from livelift.study import load_study
from local.equality import differences
from studies.push import generator
from tests.support.pure_pipeline import run_pure

STUDY = load_study("push")
PAGE = Path("docs/16-push.md").read_text(encoding="utf-8")

ODD = [
    "u000001,c0001,like,2024-01-05 10:00:00",  # no such type
    "u000001,c0001,play,2024-01-05",  # no time of day
    "u000001,c0001",
    "stranger,c0001,play,2024-01-05 10:00:00",  # in no users.csv: in the tables, and in no arm
    "u000002,c9999,play,2024-01-20 10:00:00",  # content that nobody knows
    "u000003,c0001,play,2023-12-20 10:00:00",  # before the period: no longer new in it
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("push") / "events.csv"
    generator.generate(path, users=400, lift=generator.LIFT, seed=3, study=STUDY)
    with path.open("a") as file:
        file.write("".join(f"{line}\n" for line in ODD))
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


Visit = tuple[datetime, str, str]
"""Time, type of the event, genre."""


def people_of(data: Path) -> dict[str, list[Visit]]:
    """User → accepted events by time."""
    genres = {row["content_id"]: row["genre"] for row in rows_of(data.with_name("content.csv"))}
    found = defaultdict(list)
    for row in rows_of(data):
        if row["event_type"] in ("play", "pause", "skip") and len(row["timestamp"] or "") == 19:
            time = datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC)
            found[row["user_id"]].append((time, row["event_type"], genres.get(row["content_id"], "unknown")))
    return {user: sorted(visits) for user, visits in found.items()}


def sessions_of(visits: list[Visit]) -> list[datetime]:
    """When each session begins."""
    times = [time for time, *_ in visits]
    return [time for time, last in zip(times, [datetime.min.replace(tzinfo=UTC), *times], strict=False) if time - last > timedelta(minutes=30)]  # fmt: skip


def test_stream_and_batch_agree_in_document_and_tables(data: Path, tmp_path: Path) -> None:
    run = run_pure(data, tmp_path / "cache", STUDY, partitions=3, seed=1, tables_each=12)
    batch = batch_answer(data, STUDY)
    assert list(differences(run.document, batch.document)) == []
    assert run.tables[-1][1] == batch.tables
    with Oracle(data, STUDY) as oracle:
        for sums, tables in run.tables:
            assert tables == oracle.tables(None if sums.ended else sums.time)
    assert batch.document.input.rejected == {"columns": 1, "date": 1, "event_type.values": 1}
    assert batch.document.metrics["sessions_7d"].sequential.lift > 0.1


def test_the_tables_are_what_plain_python_counts(data: Path) -> None:
    with Oracle(data, STUDY) as oracle:
        tables = oracle.tables()
    people = people_of(data)
    last = max(visits[-1][0] for visits in people.values()).date()
    days = {user: {time.date() for time, *_ in visits} for user, visits in people.items()}

    def returned(users: list[str], after: int) -> tuple[int, int]:
        over = [user for user in users if min(days[user]) + timedelta(days=after) < last]
        return len(over), sum(min(days[user]) + timedelta(days=after) in days[user] for user in over)

    def share(users: list[str], after: int) -> float | None:
        over, back = returned(users, after)
        return back / over if over else None

    for row in tables["retention"]:
        assert (row["users"], row["retained"]) == returned(list(people), row["day"])
        assert row["share"] == share(list(people), row["day"])
    explored, weeks = defaultdict(list), defaultdict(list)
    for user, visits in people.items():
        number = len({genre for *_, genre in visits})
        explored["1-2" if number < 3 else "3" if number == 3 else "4+"].append(user)
        first = min(days[user])
        weeks[(first - timedelta(days=first.weekday())).isoformat()].append(user)
    assert tables["diversity"] == [
        {"genres": name, "users": len(explored[name]), "d7_share": share(explored[name], 7)}
        for name in ("1-2", "3", "4+")
    ]
    assert tables["cohorts"] == [
        {"week": week, "users": len(users), "d1": share(users, 1), "d7": share(users, 7), "d30": share(users, 30)}
        for week, users in sorted(weeks.items())
    ]
    of_user = {row["user_id"]: row for row in rows_of(data.with_name("users.csv"))}
    for name in ("platform", "country"):
        groups = defaultdict(list)
        for user, visits in people.items():
            end = min(days[user]) + timedelta(days=7)
            early = sum(begins.date() < end for begins in sessions_of(visits))
            groups[of_user[user][name] if user in of_user else "unknown"].append(early)
        assert tables[name] == [
            {name: key, "users": len(found), "sessions_7d": pytest.approx(sum(found) / len(found), rel=1e-12)}
            for key, found in sorted(groups.items())
        ]


def test_the_primary_is_what_plain_python_counts(data: Path) -> None:
    document = batch_answer(data, STUDY).document
    of_user = {row["user_id"]: row["push_group"] for row in rows_of(data.with_name("users.csv"))}
    sessions: dict[str, list[int]] = {"A": [], "B": []}
    start, end = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 7, tzinfo=UTC)
    for user, visits in people_of(data).items():
        first = visits[0][0].date()
        over = datetime.combine(first + timedelta(days=7), datetime.min.time(), UTC)
        if user in of_user and visits[0][0] >= start and over <= end:
            sessions[of_user[user]].append(sum(begins < over for begins in sessions_of(visits)))
    reading = document.metrics["sessions_7d"]
    for sample, mine in ((reading.control, sessions["A"]), (reading.treatment, sessions["B"])):
        assert sample.n == len(mine)
        assert sample.mean == pytest.approx(sum(mine) / len(mine), rel=1e-12)


@pytest.mark.slow
def test_the_generated_data_has_what_was_planted(tmp_path: Path) -> None:
    """Within four standard errors, of 6,000 users."""
    path = tmp_path / "events.csv"
    generator.generate(path, users=6_000, lift=generator.LIFT, study=STUDY)
    answer = batch_answer(path, STUDY)
    primary = answer.document.metrics["sessions_7d"]
    for sample, mean in ((primary.control, 49.9), (primary.treatment, 59.8)):
        assert sample.mean is not None and sample.variance is not None
        assert abs(sample.mean - mean) < 4 * (sample.variance / sample.n) ** 0.5
    assert primary.classic.p is not None and primary.classic.p < 0.001
    assert primary.classic.z_p is not None and primary.classic.z_p < 0.001
    few, three, many = (row["d7_share"] for row in answer.tables["diversity"])
    for share, users, planted in ((few, 2_160, 0.0727), (three, 1_440, 0.096), (many, 2_400, 0.124)):
        assert abs(share - planted) < 4 * (planted / users) ** 0.5
    assert few < three < many
    truth = json.loads((tmp_path / "events.csv.truth.json").read_text())
    assert truth["sessions_7d"]["A"] == pytest.approx(primary.control.mean, rel=0.01)


def test_the_seed_decides_the_events(tmp_path: Path) -> None:
    def made(seed: int, lift: float = 0.0) -> bytes:
        path = tmp_path / "events.csv"
        generator.generate(path, users=30, seed=seed, lift=lift, study=STUDY)
        return path.read_bytes() + path.with_name("users.csv").read_bytes()

    assert made(1) == made(1) != made(2)
    assert made(1) != made(1, lift=0.5)


def test_generating_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generator.generate(tmp_path / "events.csv", users=30, study=STUDY, progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", [{"events": 0}, {"users": 0}, {"lift": -1}, {"lift": 3}])
def test_what_cannot_be_generated_is_refused(wrong: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        generator.generate(tmp_path / "events.csv", study=STUDY, **wrong)
    assert list(tmp_path.iterdir()) == []


def test_the_page_names_the_data_and_the_tables(data: Path) -> None:
    part = PAGE[PAGE.index("## The data") : PAGE.index("## The metrics")]
    listed = {
        name for line in re.findall(r"^\| (`.*?) \|", part, re.MULTILINE) for name in re.findall(r"`(\w+)`", line)
    }
    files = (data, data.with_name("users.csv"), data.with_name("content.csv"))
    assert listed == {column for file in files for column in rows_of(file)[0]}
    metrics = PAGE[PAGE.index("## The metrics") : PAGE.index("## The tables")]
    assert set(STUDY.metrics) <= set(re.findall(r"`(\w+)`", metrics))
    tables = PAGE[PAGE.index("## The tables") : PAGE.index("## What if?")]
    assert set(STUDY.table_names) <= set(re.findall(r"`(\w+)`", tables))
