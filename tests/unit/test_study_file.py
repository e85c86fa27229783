"""A wrong study file is refused with the file, the key and the fix."""

from pathlib import Path

import msgspec
import pytest

from livelift.errors import StudyError
from livelift.sessions import session_measures
from livelift.study import load_study, parse_study
from stats.sequential.rerandomisation import draw_matrix
from stats.sums.metric_rows import metric_rows

GROUP = b'[fields]\ngroup = {type = "integer", column = "track", minimum = 1}'


@pytest.fixture(scope="module")
def good() -> bytes:
    with open("studies/lastfm/study.toml", "rb") as file:
        return file.read().replace(b"[fields]", GROUP)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        (b"gap_seconds = 1800", b"gap_seconds = 0", "windows.gap_seconds"),
        (b"gap_seconds = 1800", b'gap_seconds = "long"', "windows.gap_seconds"),
        (b"gap_seconds = 1800", b"gap = 1800", "windows"),
        (b"control_percent = 50", b"control_percent = 0", "experiment.control_percent"),
        (b"period_end = 2009-05-01", b"period_end = 2009-02-01", "experiment.period_end"),
        (b'salt = "lastfm-2009"', b'salt = ""', "experiment.salt"),
        (b'primary = "session_duration"', b'primary = "revenue"', "decision.primary"),
        (b"schema = 1", b"schema = 9", "schema"),
        (b'numerator = "skips"', b'numerator = ""', "metrics.skip_rate.numerator"),
        (b'denominator = "plays"', b"", "metrics.skip_rate.denominator"),
        (b'denominator = "users"', b'denominator = "sessions"', "metrics.sessions_per_user.denominator"),
        (b'denominator = "users"', b'denominator = "users"\nresolution = 10', "metrics.sessions_per_user.resolution"),
        (b'retention = {anchor = "every_day"', b'retention = {anchor = ""', "metrics.d1_retention.retention.anchor"),
        (b"days = 1}", b"days = 0}", "metrics.d1_retention.retention.days"),
        (b"days = 1}", b"days = 61}", "metrics.d1_retention.retention.days"),
        (b"days = 1}", b'days = 1}\nnumerator = "plays"', "metrics.d1_retention.numerator"),
        (b"days = 1}", b'days = 1}\ndenominator = "users"', "metrics.d1_retention.denominator"),
        (b"control_percent = 50", b'control_percent = 50\narm_field = "arm"', "experiment.arm_field"),
        (b"control_percent = 50", b'control_percent = 50\ncontrol_value = "a"', "experiment.control_value"),
        (b"control_percent = 50", b'control_percent = 50\ntreatment_value = "a"', "experiment.treatment_value"),
        (b"control_percent = 50", b'control_percent = 50\narm_field = "artist"', "experiment.control_value"),
        (
            b"control_percent = 50",
            b'control_percent = 50\narm_field = "artist"\ncontrol_value = 1\ntreatment_value = "b"',
            "experiment.control_value",
        ),
        (
            b"control_percent = 50",
            b'control_percent = 50\narm_field = "artist"\ncontrol_value = "a"\ntreatment_value = "a"',
            "experiment.treatment_value",
        ),
        (
            b"control_percent = 50",
            b'control_percent = 50\narm_field = "group"\ncontrol_value = 1\ntreatment_value = 0',
            "experiment.treatment_value",
        ),
        (
            b"control_percent = 50",
            b'control_percent = 50\narm_field = "group"\ncontrol_value = true\ntreatment_value = 2',
            "experiment.control_value",
        ),
        (b"gap_seconds = 1800", b'kind = "row"\ngap_seconds = 1800', "windows.gap_seconds"),
        (b"gap_seconds = 1800", b'kind = "row"', "measures.seconds.length"),
        (b"gap_seconds = 1800", b'kind = "minute"\ngap_seconds = 1800', "windows.kind"),
        # A study that could never ship, or whose number is none.
        (b"alpha = 0.05", b"alpha = 0.0009", "statistics.draws"),
        (b"buckets = 1024", b"buckets = 1", "statistics.buckets"),
        (b"buckets = 1024", b"buckets = 10", "statistics.buckets"),
        (b"alpha = 0.05", b"alpha = 0.999", "decision.alpha"),
        (b"guardrail_alpha = 0.10", b"guardrail_alpha = 0.999", "decision.guardrail_alpha"),
        (b"inclusion_alpha = 0.01", b"inclusion_alpha = 0.999", "health.inclusion_alpha"),
        (b"before = 2009-07-01", b"before = 2009-03-01", "experiment.period_end"),
        (b"not_before = 2005-01-01", b"not_before = 2009-05-01", "experiment.period_start"),
        (b"not_before = 2005-01-01", b"not_before = 1969-12-31", "source.not_before"),
        (b"minimum_lift = 0.02", b"minimum_lift = nan", "decision.minimum_lift"),
        (b"minimum_lift = 0.02", b"minimum_lift = inf", "decision.minimum_lift"),
        (b"minimum_lift = 0.02", b"minimum_lift = 2", "decision.minimum_lift"),
        (b"guardrail_margin = 0.01", b"guardrail_margin = 1", "decision.guardrail_margin"),
        (b"guardrail_margin = 0.01", b"guardrail_margin = nan", "decision.guardrail_margin"),
        (b"guardrail_alpha = 0.10", b"guardrail_alpha = nan", "decision.guardrail_alpha"),
        (b"alpha = 0.05", b"alpha = nan", "decision.alpha"),
        (b"planned_standard_error = 0.035", b"planned_standard_error = nan", "statistics.planned_standard_error"),
        (b"planned_standard_error = 0.035", b"planned_standard_error = inf", "statistics.planned_standard_error"),
        (
            b"sample_ratio_concentration = 100.0",
            b"sample_ratio_concentration = nan",
            "health.sample_ratio_concentration",
        ),
        (b"maximum_late_share = 0.01", b"maximum_late_share = nan", "health.maximum_late_share"),
        (b"inclusion_alpha = 0.01", b"inclusion_alpha = 1.0", "health.inclusion_alpha"),
        (b"control_percent = 50", b"control_percent = 95", "experiment.control_percent"),
    ],
)
def test_a_wrong_key_is_named_with_its_file_and_a_fix(good: bytes, old: bytes, new: bytes, key: str) -> None:
    assert old in good
    with pytest.raises(StudyError) as refused:
        parse_study(good.replace(old, new), "studies/mine.toml")
    assert "studies/mine.toml" in refused.value.what
    assert f"'{key}'" in refused.value.what
    assert refused.value.fix


def test_too_few_draws_for_the_error_are_refused_with_enough(good: bytes) -> None:
    """100 draws at α = 0.01: half of it is less than one draw's share, so nothing could ever cross."""
    few = good.replace(b"draws = 2000", b"draws = 100").replace(b"\nalpha = 0.05", b"\nalpha = 0.01")
    with pytest.raises(StudyError, match=r"key 'statistics\.draws'") as refused:
        parse_study(few, "studies/mine.toml")
    assert "nothing could ever ship: use 200 or more" in refused.value.fix
    enough = parse_study(few.replace(b"draws = 100", b"draws = 200"), "studies/mine.toml")
    assert enough.statistics.draws == 200


@pytest.mark.parametrize(("draws", "buckets", "alpha"), [(100, 7, 0.02), (200, 8, 0.01), (2000, 11, 0.001)])
def test_draws_that_tie_with_the_study_are_refused(good: bytes, draws: int, buckets: int, alpha: float) -> None:
    """Of few buckets some re-assignments exchange none. What is refused could not ship, what is read can."""
    outcomes = set()
    for salt in range(40):
        text = good.replace(b"draws = 2000", b"draws = %d" % draws).replace(
            b"buckets = 1024", b"buckets = %d" % buckets
        )
        text = text.replace(b"alpha = 0.05", b"alpha = %g" % alpha).replace(b"lastfm-2009", b"salt-%d" % salt)
        alike = int((draw_matrix(f"salt-{salt}", buckets, draws) == 0).all(axis=1).sum())
        can_ship = alike <= draws * alpha / 2 + 1e-9
        outcomes.add(can_ship)
        if can_ship:
            assert parse_study(text, "x.toml").statistics.buckets == buckets
        else:
            with pytest.raises(StudyError, match="use more buckets"):
                parse_study(text, "x.toml")
    assert outcomes == {True, False}


def test_an_observed_assignment_needs_no_draws_and_no_even_split(good: bytes) -> None:
    observed = good.replace(b'"randomised"', b'"observed"').replace(b"control_percent = 50", b"control_percent = 30")
    study = parse_study(observed.replace(b"buckets = 1024", b"buckets = 1"), "studies/mine.toml")
    assert study.experiment.control_percent == 30


def test_an_unknown_study_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(StudyError, match="no study 'nope'") as refused:
        load_study("nope")
    assert "lastfm" in refused.value.fix


def test_a_changed_file_has_another_fingerprint(good: bytes) -> None:
    changed = good.replace(b"minimum_lift = 0.02", b"minimum_lift = 0.03")
    assert parse_study(good, "a").fingerprint != parse_study(changed, "a").fingerprint


JUNK = [
    "{}", "[]", '""', '"x"', '"seconds"', "0", "-1", "1", "99999999999999999999999", "nan", "inf", "0.5", "true", "2009-03-01",
    "0001-01-01", "9999-12-31", '["a", 1]', '[["a"]]', '{count = "event"}', '{length = "session"}', '{type = "text"}',
    '{distinct = []}', '{count = "event", where = {artist = []}}', '{count = "event", where = {artist = {}}}',
    '{count = "event", where = {artist = {at_least = 1}}}', '{count = "event", follows_within = -1}', '{sum = "v"}', "",
]  # fmt: skip


def test_any_value_at_any_key_is_read_or_refused_in_words(good: bytes, tmp_path: Path) -> None:
    """Never with an error of Python's own, neither then nor when the study is first used."""
    lines = good.decode().splitlines()
    refused = 0
    for number, line in enumerate(lines):
        key = line.partition("=")[0]
        variants = [f"{key}= {junk}" for junk in JUNK] if "=" in line else []
        for variant in (*variants, "", f"{line}\n{line}", f"x{line}", "[measures.more]", "[[metrics]]"):
            text = "\n".join([*lines[:number], variant, *lines[number + 1 :]])
            try:
                study = parse_study(text.encode(), "studies/mine.toml")
                names = session_measures(msgspec.structs.replace(study, folder=str(tmp_path))).names
                metric_rows(study, names)
            except StudyError:
                refused += 1
    assert refused > 1_000
