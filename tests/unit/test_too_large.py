"""A user whose totals are too large for exact squares is refused in words, by stream and batch alike."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from batch.twin import Twin
from livelift.errors import StateError
from livelift.study import load_study
from tests.support.pure_pipeline import run_pure

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
    with Twin(data, STUDY) as twin, pytest.raises(StateError, match="too large to be squared exactly"):
        twin.final()
    with pytest.raises(StateError, match="too large to be squared exactly"):
        run_pure(data, tmp_path / "cache", STUDY, partitions=1, seed=1)
