"""The page of studies names every key that a study may have, and its examples are read."""

import re
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from livelift.event_time import to_iso
from livelift.measures import Between, Measure
from livelift.study import Study, load_study, parse_study
from tests.studies.viewings import make
from tests.support.pure_pipeline import run_pure

PAGE = Path("docs/12-studies.md").read_text(encoding="utf-8")
TABLES = Path("docs/14-tables.md").read_text(encoding="utf-8")
NOT_KEYS = {"fingerprint", "folder"}
"""What loading adds."""


def keys_of(kind: Any) -> set[str]:
    """Every key of a part of the study, and of the parts in it."""
    found: set[str] = set()
    for name, inner in get_type_hints(kind).items():
        found.add(name)
        parts = [inner, *get_args(inner)] if get_origin(inner) is not None or get_args(inner) else [inner]
        for part in parts:
            if isinstance(part, type) and issubclass(part, msgspec.Struct):
                found |= keys_of(part)
    return found - NOT_KEYS


def test_the_page_names_every_key() -> None:
    keys = keys_of(Study) | keys_of(Measure) | keys_of(Between)
    assert len(keys) > 50
    assert {key for key in keys if not re.search(rf"\b{key}\b", PAGE + TABLES)} == set()


def test_the_example_of_tables_is_read() -> None:
    events, users, churn = re.findall(r"```toml\n(.*?)```", TABLES, re.DOTALL)
    text = Path("tests/studies/viewings/study.toml").read_text(encoding="utf-8")
    study = parse_study((text[: text.index("[tables.")] + events + users + churn).encode(), "example")
    assert study.churn.days == 7
    assert study.table_names == ["daily", "top", "engagement", "cohorts", "retention"]


def test_the_example_of_a_row_in_redis_is_true(tmp_path: Path) -> None:
    """Of the viewings that the tests have."""
    study = load_study("tests/studies/viewings")
    make.main(tmp_path / "input")
    rows = run_pure(tmp_path / "input", tmp_path / "cache", study).tables[-1][1]["daily"]
    found = re.search(r"`\[(\d+)\]`, with a value like `\[(\d+),(\d+),(\d+),(\d+)\]`", TABLES)
    assert found is not None
    start, views, users, seconds, quotients = map(int, found.groups())
    assert rows[0] == rows[0] | {
        "day": to_iso(start)[:10],
        "views": views,
        "users": users,
        "hours": seconds / 3600,
        "average": seconds / views,
        "completion": quotients * 100 / (views * 10**9),
    }


def test_the_examples_are_read() -> None:
    source, lookup, example, arms, another = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    text = Path("studies/lastfm/study.toml").read_text(encoding="utf-8")
    track = 'track = {type = "text"}\n'
    fields = text[text.index("[fields]") : text.index("[measures]")]
    fields = fields if track in fields else fields + track
    study = text[: text.index("[fields]")] + fields + example + "\n" + text[text.index("[experiment]") :]
    assert list(parse_study(study.encode(), "example").measures) == re.findall(r"^(\w+) =", example, re.MULTILINE)
    measures = '[measures]\nseconds = {length = "session"}\nrevenue = {sum = "cents"}\nplays = {count = "event"}\n'
    rest = (
        text[text.index("[experiment]") : text.index("[metrics.")]
        .replace("2009", "2024")
        .replace("session_duration", "spent")
    )
    metric = '[metrics.spent]\ntitle = "Revenue"\nnumerator = "revenue"\ndenominator = "sessions"\nunit = "EUR"\nhigher_is_better = true\n'
    source += lookup.replace("[fields]\n", "")
    head, sessions = text[: text.index("[source]")], text[text.index("[windows]") : text.index("[fields]")]
    fields, experiment = arms.split("[experiment]\n")
    named = text[: text.index("[measures]")] + fields.removeprefix("[fields]\n") + text[text.index("[measures]") :]
    kept = (
        named.replace('"track"]', '"track", "variant"]')
        .replace('assignment = "randomised"', "")
        .replace("control_percent = 50", experiment, 1)
    )
    assert parse_study(re.sub(r" +# or .*", "", kept).encode(), "example").experiment.control_percent == 90
    second = text + another.replace("sessions_per_user", "skip_rate").replace("2024-10-18", "2009-03-10")
    assert list(parse_study(second.encode(), "example").experiments) == ["banner"]
    read = parse_study((head + source + sessions + measures + rest + metric).encode(), "example")
    assert (read.source.delimiter, read.fields["cents"].column) == (";", "amount")
    assert (read.lookups["content"].key, read.fields["minutes"].lookup) == ("content_id", "content")
