"""Producer and batch oracle accept the same time formats and refuse the same texts."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from batch.document import batch_document
from batch.oracle import Oracle
from livelift.event_time import from_iso
from livelift.study import load_study
from local.equality import differences
from producer.sources import Selection
from producer.sources.plain_tsv import read
from producer.sources.time_text import read_time
from tests.support.pure_pipeline import run_pure

STUDY = load_study("lastfm")
MOMENT = from_iso("2009-03-02T08:00:07")

READ = {
    "2009-03-02T08:00:07Z": 0,
    "2009-03-02 08:00:07": 0,
    "2009-03-02T08:00:07": 0,
    "2009-03-02 08:00:07Z": 0,
    "2009-03-02t08:00:07z": 0,
    "2009-03-02 08:00:07 UTC": 0,
    "2009-03-02 08:00:07 GMT": 0,
    "2009-03-02T08:00:07UTC": 0,
    "2009-03-02 08:00": -7_000,
    "2009-03-02T08:00Z": -7_000,
    "2009-03-02T08:00:07.5Z": 500,
    "2009-03-02 08:00:07,25": 250,
    "2009-03-02T08:00:07.123456Z": 123,
    "2009-03-02T08:00:07.999999999Z": 999,
    "2009-03-02T08:00:07.0Z": 0,
    "2009-03-02T08:00:07+00:00": 0,
    "2009-03-02T08:00:07-00:00": 0,
    "2009-03-02T09:00:07+01:00": 0,
    "2009-03-02T09:00:07+0100": 0,
    "2009-03-02 09:00:07+01": 0,
    "2009-03-02 09:00:07 +01:00": 0,
    "2009-03-02T13:45:07+05:45": 0,
    "2009-03-01T23:30:07-08:30": 0,
    "2009-03-02T22:00:07+14:00": 0,
    "2009-03-02T09:00:07.250+01:00": 250,
    "1235980807": 0,
    "1235980807.5": 500,
    "1235980807.123456": 123,
    "1235980807250": 250,
    "1235980807250999": 250,
    "1235980807250999999": 250,
}
"""Text → ms from `MOMENT`."""

REFUSED = [
    "", "yesterday", "2009-03-02", "2009-03-02Z", "08:00:07", "2009-03-02T08Z", "2009-3-2T08:00:07Z", "09-03-02T08:00:07Z",
    "02/03/2009 08:00:07", "03-02-2009 08:00:07", "2009/03/02 08:00:07", "2 Mar 2009 08:00", "2009-03-02T08:00:07 ",
    " 2009-03-02T08:00:07", "2009-03-02  08:00:07", "2009-03-02T08:00:07.Z", "2009-03-02T08:00:07.1234567890Z",
    "2009-03-02T08:00.5Z", "2009-03-02T08:00:07+1", "2009-03-02T08:00:07+1:00", "2009-03-02T08:00:07+14:01",
    "2009-03-02T08:00:07+15", "2009-03-02T08:00:07+01:60", "2009-03-02T08:00:07 CET", "2009-03-02T08:00:07+01:00Z",
    "2009-03-02T08:00:07ZZ", "2009-03-02T08:00:07 Europe/Berlin", "2009-03-02T24:00:00Z", "2009-03-02 08:60:00",
    "2009-03-02 08:00:60", "2009-02-29 08:00:07", "0000-03-02 08:00:07", "-123598080", "123598080", "12359808070",
    "1235980807.", "1235980807.5.5", "1.235980807e9", "1235980807250.5", "١٢٣٥٩٨٠٨٠٧", "2009-03-02T08:00:07\u200b",
    "2009-03-02T08:00:07 utc", "2009-03-02T08:00:07+", "20090302T080007Z", "2009-061T08:00:07Z", "null",
]  # fmt: skip


def by_producer(texts: list[str], folder: Path) -> list[int | None]:
    """The ms that the producer reads in each text, None where it refuses it."""
    file = written(texts, folder)
    found: dict[int, int] = {}
    for block in read(STUDY, file, Selection()):
        for row in block.accepted.to_pylist():
            found[row["line"]] = row["time"]
        assert set(block.reasons) <= {"date"}
    return [found.get(line) for line in range(1, len(texts) + 1)]


def by_oracle(texts: list[str], folder: Path) -> list[int | None]:
    """The same by the oracle: each text is one user's only event."""
    with Oracle(written(texts, folder), STUDY) as oracle:
        found = {session.user: session.start for session in oracle.sessions()}
    return [found.get(f"u{line}") for line in range(len(texts))]


def written(texts: list[str], folder: Path) -> Path:
    file = folder / "log.tsv"
    file.write_text("".join(f"u{line}\t{text}\t\ta\t\tt\n" for line, text in enumerate(texts)), encoding="utf-8")
    return file


def test_what_is_unambiguous_is_read_alike(tmp_path: Path) -> None:
    expected = [MOMENT + after for after in READ.values()]
    assert dict(zip(READ, by_producer(list(READ), tmp_path), strict=True)) == dict(zip(READ, expected, strict=True))
    assert dict(zip(READ, by_oracle(list(READ), tmp_path), strict=True)) == dict(zip(READ, expected, strict=True))


def test_what_is_not_is_refused_alike(tmp_path: Path) -> None:
    nothing = dict.fromkeys(REFUSED)
    good = "2009-03-02T08:00:07Z"  # a file without one acceptable row is refused as a whole
    assert dict(zip(REFUSED, by_producer([*REFUSED, good], tmp_path), strict=False)) == nothing
    assert dict(zip(REFUSED, by_oracle([*REFUSED, good], tmp_path), strict=False)) == nothing


def test_forms_may_be_mixed_within_a_session(tmp_path: Path) -> None:
    """The order is that of the moments, whatever they are written as."""
    texts = ["1235980867", "2009-03-02T09:00:07+01:00", "2009-03-02 08:02:07"]
    file = tmp_path / "log.tsv"
    file.write_text("".join(f"u\t{text}\t\ta\t\tt\n" for text in texts))
    with Oracle(file, STUDY) as oracle:
        (session,) = oracle.sessions()
    assert (session.start, session.end, session.measures["plays"]) == (MOMENT, MOMENT + 120_000, 3)
    assert sorted(by_producer(texts, tmp_path)) == [MOMENT, MOMENT + 60_000, MOMENT + 120_000]  # type: ignore[type-var]


PARTS = st.lists(
    st.sampled_from(["2009-03-02", "2009-02-30", "T", " ", "08:00:07", "23:59", ".5", ",123456", "Z", "+01:00", "-0930", "UTC",
                     "1235980807", "250", "0", ":", "+14:30", "z"]),
    min_size=1, max_size=6,
).map("".join)  # fmt: skip


@settings(max_examples=40)
@given(st.lists(PARTS, min_size=20, max_size=40))
def test_producer_and_oracle_agree_on_any_text(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    folder = tmp_path_factory.getbasetemp()
    texts = [*texts, "2009-03-02T08:00:07Z"]
    assert dict(zip(texts, by_producer(texts, folder), strict=True)) == dict(
        zip(texts, by_oracle(texts, folder), strict=True)
    )


@given(
    st.datetimes(datetime(2005, 1, 2), datetime(2009, 6, 29)),
    st.integers(-14 * 60, 14 * 60),
    st.sampled_from(["seconds", "milliseconds", "microseconds"]),
    st.sampled_from(["T", " "]),
)
@example(datetime(2009, 1, 1), -1, "microseconds", " ")
def test_every_moment_with_an_offset_is_read_as_python_reads_it(
    moment: datetime, offset: int, precision: str, separator: str
) -> None:
    sign, minutes = ("-", -offset) if offset < 0 else ("+", offset)
    text = f"{moment.isoformat(separator, precision)}{sign}{minutes // 60:02d}:{minutes % 60:02d}"
    utc = datetime.fromisoformat(text).astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    assert read_time(text.encode()) == utc // timedelta(milliseconds=1)


def test_a_log_of_many_forms_equals_the_batch(tmp_path: Path) -> None:
    """Fractions of a second too: at the edges of a skip and of a session."""
    start = datetime(2009, 3, 2, 8)
    gaps = [0.0005, 29.999, 30.0, 30.001, 0.4, 1799.999, 1800.0, 1800.001, 7.25, 86_399.999, 0.001]
    forms = [
        lambda t: t.isoformat() + "Z",
        lambda t: t.isoformat(" "),
        lambda t: (t + timedelta(hours=2)).isoformat(" ", "microseconds") + "+02:00",
        lambda t: f"{t.replace(tzinfo=UTC).timestamp():.6f}",
        lambda t: str(int(t.replace(tzinfo=UTC).timestamp() * 1_000_000)),
    ]
    chance, rows = Random(3), []
    for user in range(12):
        moment = start + timedelta(seconds=user * 0.37)
        for number in range(33):
            rows.append(f"u{user}\t{forms[(number + user) % len(forms)](moment)}\t\ta{number % 3}\t\tt{number}\n")
            moment += timedelta(seconds=chance.choice(gaps))
    (tmp_path / "log.tsv").write_text("".join(rows))
    run = run_pure(tmp_path / "log.tsv", tmp_path / "cache", STUDY, partitions=2)
    document, _ = batch_document(tmp_path / "log.tsv", STUDY)
    assert document.input.accepted == 12 * 33
    assert list(differences(run.document, document)) == []
