"""A user whose totals are too large for exact squares is refused in words, by stream and batch alike."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from batch.oracle import Oracle
from livelift import output_log
from livelift.errors import StateError
from livelift.event_time import DAY
from livelift.sessions import session_measures
from livelift.source import LARGEST
from livelift.study import load_study
from processor.changelog import UserForm
from processor.windows import new_partition
from tests.support.pure_pipeline import run_pure
from tests.support.small_study import START, row_study
from tests.support.streams import Listen, partition_records

STUDY = load_study("lastfm")
ARTISTS = 3_200


def test_a_user_of_too_many_artists_is_refused_in_words(tmp_path: Path) -> None:
    """One artist a second: 3,200 in millionths has a square of more than 63 bits."""
    rows = [
        f"{user}\t{(datetime(2009, 3, day, 8) + timedelta(seconds=play)).isoformat()}Z\t\t{artist}\t\tx\n"
        for day in (5, 7, 9)
        for play in range(ARTISTS)
        for user, artist in (("bot", f"artist {play}"), ("bot 2", f"artist {play}"))
    ]
    data = tmp_path / "log.tsv"
    data.write_text("".join(rows), encoding="utf-8")
    with Oracle(data, STUDY) as oracle, pytest.raises(StateError, match="too large to be squared exactly"):
        oracle.final()
    with pytest.raises(StateError, match="too large to be squared exactly"):
        run_pure(data, tmp_path / "cache", STUDY, partitions=1, seed=1)


def test_a_square_that_no_record_can_hold_is_refused_in_words() -> None:
    """A field may hold 10¹², and the classic reading sums squares: they leave 64 bits before any mean is formed."""
    study = row_study()
    measures = session_measures(study)
    partition = new_partition(study, measures)
    (records,) = partition_records([Listen(START, "a"), Listen(START + DAY, "b")])
    partition.apply(records[:2])
    (user,) = partition.users.values()
    user.totals = partition._add(user.totals, (LARGEST, 0))
    with pytest.raises(StateError, match="total of user 'a' is too large to be kept exactly"):
        UserForm(measures).encode(user, partition.as_of)
    (told, *_) = partition.apply(records[2:]).outputs
    with pytest.raises(StateError, match="total of user 'a' is too large to be kept exactly"):
        output_log.encode(told)
