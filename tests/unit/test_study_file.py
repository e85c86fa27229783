"""A wrong study file is refused with the file, the key and the fix."""

import pytest

from livelift.errors import StudyError
from livelift.study import load_study, parse_study


@pytest.fixture(scope="module")
def good() -> bytes:
    with open("studies/lastfm.toml", "rb") as file:
        return file.read()


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        (b"gap_seconds = 1800", b"gap_seconds = 0", "sessions.gap_seconds"),
        (b"gap_seconds = 1800", b'gap_seconds = "long"', "sessions.gap_seconds"),
        (b"gap_seconds = 1800", b"gap = 1800", "sessions"),
        (b"control_percent = 50", b"control_percent = 0", "experiment.control_percent"),
        (b"period_end = 2009-05-01", b"period_end = 2009-02-01", "experiment.period_end"),
        (b'salt = "lastfm-2009"', b'salt = ""', "experiment.salt"),
        (b'primary = "session_duration"', b'primary = "revenue"', "decision.primary"),
        (b"schema = 1", b"schema = 9", "schema"),
        (b'measure = "skips"', b'measure = ""', "metrics.skip_rate.measure"),
    ],
)
def test_a_wrong_key_is_named_with_its_file_and_a_fix(good: bytes, old: bytes, new: bytes, key: str) -> None:
    assert old in good
    with pytest.raises(StudyError) as refused:
        parse_study(good.replace(old, new), "studies/mine.toml")
    assert "studies/mine.toml" in refused.value.what
    assert f"'{key}'" in refused.value.what
    assert refused.value.fix


def test_an_unknown_study_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(StudyError, match="no study 'nope'") as refused:
        load_study("nope")
    assert "lastfm" in refused.value.fix


def test_a_changed_file_has_another_fingerprint(good: bytes) -> None:
    changed = good.replace(b"minimum_lift = 0.02", b"minimum_lift = 0.03")
    assert parse_study(good, "a").fingerprint != parse_study(changed, "a").fingerprint
