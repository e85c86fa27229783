"""The generated file: its format, its calibration, the planted lift and the truth beside it, recounted from the bytes."""

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from livelift.assignment import CONTROL, TREATMENT, VARIANTS, variant_of
from livelift.errors import ResourceError, SettingsError
from livelift.study import Study, load_study
from studies.lastfm.generator import Truth, generate, read_truth, truth_path
from studies.lastfm.generator.calendar import plan_calendar
from studies.lastfm.generator.truth import VariantTruth, expected_decision

EVENTS, LIFT = 240_000, 0.15
GAP = 1_800
PERIOD = range(1_235_865_600, 1_241_136_000)  # 2009-03-01 … 2009-04-30, seconds


class Play(NamedTuple):
    time: int
    artist_id: str
    artist: str
    track_id: str
    track: str


@dataclass(frozen=True)
class File:
    """A file read by the rules of the design: accepted plays a user in time order, and what became of the other rows."""

    rows: int
    rejected: dict[str, int]
    duplicates: int
    plays: dict[str, list[Play]]

    @cached_property
    def sessions(self) -> list[tuple[str, list[Play]]]:
        found = []
        for user, plays in self.plays.items():
            for before, play in zip([None, *plays], plays, strict=False):
                if before is None or play.time - before.time > GAP:
                    found.append((user, [play]))
                else:
                    found[-1][1].append(play)
        return found


def read(path: Path) -> File:
    lines = path.read_bytes().removesuffix(b"\n").split(b"\n")
    rejected: Counter[str] = Counter()
    kept = set()
    for line in lines:
        if reason := reason_to_reject(line):
            rejected[reason] += 1
        else:
            kept.add(line)
    plays: dict[str, list[Play]] = defaultdict(list)
    for line in kept:
        user, time, *names = line.decode().split("\t")
        plays[user].append(Play(seconds(time), *names))
    for played in plays.values():
        played.sort()
    return File(len(lines), dict(rejected), len(lines) - rejected.total() - len(kept), dict(plays))


def reason_to_reject(line: bytes) -> str:
    try:
        fields = line.decode().split("\t")
    except UnicodeDecodeError:
        return "encoding"
    if len(fields) != 6:
        return "columns"
    if not fields[0]:
        return "user"
    try:
        time = seconds(fields[1])
    except ValueError:
        return "date"
    return "" if seconds("2005-01-01T00:00:00Z") <= time < seconds("2009-07-01T00:00:00Z") else "out_of_range"


def seconds(time: str) -> int:
    day, clock = time.split("T")
    hour, minute, second = (int(part) for part in clock.removesuffix("Z").split(":"))
    if not (len(clock) == 9 and hour < 24 and minute < 60 and second < 60):
        raise ValueError(time)
    return midnight(day) + 3_600 * hour + 60 * minute + second


@cache
def midnight(day: str) -> int:
    return int(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())


def length(session: list[Play]) -> int:
    return session[-1].time - session[0].time


@cache
def variant(user: str) -> str:
    return variant_of(user, "lastfm-2009", 50)


def in_period(sessions: list[tuple[str, list[Play]]], of: str) -> list[tuple[str, list[Play]]]:
    return [(user, session) for user, session in sessions if session[0].time in PERIOD and variant(user) == of]


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study("lastfm")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, study: Study) -> Path:
    path = tmp_path_factory.mktemp("plain") / "userid-plain.tsv"
    generate(path, events=EVENTS, study=study)
    return path


@pytest.fixture(scope="module")
def lifted(tmp_path_factory: pytest.TempPathFactory, study: Study) -> Path:
    path = tmp_path_factory.mktemp("lifted") / "userid-lifted.tsv"
    generate(path, events=EVENTS, lift=LIFT, study=study)
    return path


@pytest.fixture(scope="module")
def plain_file(plain: Path) -> File:
    return read(plain)


@pytest.fixture(scope="module")
def lifted_file(lifted: Path) -> File:
    return read(lifted)


def test_the_same_seed_and_parameters_give_the_same_bytes(tmp_path: Path, plain: Path, study: Study) -> None:
    generate(tmp_path / "again.tsv", events=EVENTS, study=study)
    assert (tmp_path / "again.tsv").read_bytes() == plain.read_bytes()
    assert truth_path(tmp_path / "again.tsv").read_bytes() == truth_path(plain).read_bytes()


def test_another_machine_gives_the_same_bytes(tmp_path: Path, study: Study) -> None:
    generate(tmp_path / "small.tsv", events=2_000, users=40, lift=0.15, seed=1, study=study)
    # Changes with every change of the generator's constants: then put the new digest here.
    assert hashlib.sha256((tmp_path / "small.tsv").read_bytes()).hexdigest()[:16] == "6a541bb58baaff67"


def test_another_seed_gives_another_file(tmp_path: Path, study: Study) -> None:
    for seed in (1, 2):
        generate(tmp_path / f"{seed}.tsv", events=2_000, seed=seed, study=study)
    assert (tmp_path / "1.tsv").read_bytes() != (tmp_path / "2.tsv").read_bytes()


def test_rows_are_grouped_by_user_and_newest_first(plain: Path) -> None:
    lines = [line for line in plain.read_bytes().split(b"\n")[:-1] if not reason_to_reject(line)]
    users = [line[:11] for line in lines]
    times = [line[12:32] for line in lines]
    assert users == sorted(users)
    assert all(
        newer >= older
        for user, next_user, newer, older in zip(users, users[1:], times, times[1:], strict=False)
        if user == next_user
    )


def test_the_file_has_the_published_form(plain: Path, plain_file: File) -> None:
    content = plain.read_bytes()
    assert content.startswith(b"user_000001\t")
    assert content.endswith(b"\n")
    assert b"\r" not in content
    assert sorted(plain_file.plays) == [f"user_{number:06d}" for number in range(1, len(plain_file.plays) + 1)]
    plays = [play for played in plain_file.plays.values() for play in played]
    identifiers = {identifier for play in plays for identifier in (play.artist_id, play.track_id) if identifier}
    assert {(len(identifier), identifier.count("-")) for identifier in identifiers} == {(36, 4)}
    assert all(play.artist and play.track for play in plays)


def test_names_hold_quotes_many_scripts_and_odd_separators(plain_file: File) -> None:
    """None of the separators breaks a line."""
    names = {name for played in plain_file.plays.values() for play in played for name in (play.artist, play.track)}
    together = "".join(names)
    assert any(name.count('"') == 1 for name in names)
    assert {"\u2028", "\u0085", "\\", "🎸", "ш", "一"} <= set(together)


def test_an_artist_has_one_id_and_one_name(plain_file: File) -> None:
    pairs = {(play.artist_id, play.artist) for played in plain_file.plays.values() for play in played}
    names = [name for _, name in pairs]
    identifiers = [identifier for identifier, _ in pairs if identifier]
    assert len(set(names)) == len(names)
    assert len(set(identifiers)) == len(identifiers)


@pytest.mark.parametrize(("quantile", "published"), [(0.05, 48), (0.25, 210), (0.50, 282), (0.75, 387), (0.90, 634)])
def test_gaps_between_plays_have_the_published_quantiles(plain_file: File, quantile: float, published: int) -> None:
    """The quantiles agree within 8 %."""
    assert np.quantile(gaps(plain_file), quantile) == pytest.approx(published, rel=0.08)


@pytest.mark.parametrize(("least", "most", "published"), [(0, 0, 0.033), (0, 29, 0.040), (GAP + 1, 10**9, 0.064)])
def test_gaps_of_zero_short_and_long_have_the_published_shares(
    plain_file: File, least: int, most: int, published: float
) -> None:
    """The shares agree within half a percentage point."""
    found = gaps(plain_file)
    assert np.mean((least <= found) & (found <= most)) == pytest.approx(published, abs=0.005)


def gaps(file: File) -> np.ndarray:
    return np.concatenate([np.diff([play.time for play in plays]) for plays in file.plays.values()])


@pytest.mark.parametrize(("quantile", "published"), [(0.10, 4), (0.25, 17), (0.50, 46)])
def test_sessions_have_the_published_lengths_within_15_percent(
    plain_file: File, quantile: float, published: int
) -> None:
    minutes = [length(session) / 60 for _, session in plain_file.sessions]
    assert np.quantile(minutes, quantile) == pytest.approx(published, rel=0.15)


def test_sessions_hold_the_published_plays_and_artists(plain_file: File) -> None:
    """The numbers agree within 8 %."""
    sessions = [session for _, session in plain_file.sessions]
    assert np.mean([len(session) for session in sessions]) == pytest.approx(15.5, rel=0.08)
    assert np.mean([len({play.artist for play in session}) for session in sessions]) == pytest.approx(2.9, rel=0.08)
    assert np.mean([len(session) == 1 for session in sessions]) == pytest.approx(0.07, abs=0.01)


def test_ids_are_missing_as_often_as_published_within_two_points(plain_file: File) -> None:
    plays = [play for played in plain_file.plays.values() for play in played]
    assert np.mean([not play.track_id for play in plays]) == pytest.approx(0.28, abs=0.02)
    assert np.mean([not play.artist_id for play in plays]) == pytest.approx(0.07, abs=0.02)
    assert not any(play.track_id and not play.artist_id for play in plays)


def test_listening_is_strongly_diurnal_and_a_few_users_play_most(plain_file: File) -> None:
    hours = Counter(play.time // 3_600 % 24 for played in plain_file.plays.values() for play in played)
    assert max(hours.values()) > 1.7 * min(hours.values())  # over all time zones; a single user's day differs by more
    counts = sorted((len(played) for played in plain_file.plays.values()), reverse=True)
    assert sum(counts[: len(counts) // 10]) > 0.35 * sum(counts)
    assert counts[0] > 5 * np.mean(counts)


def test_users_keep_their_habits_from_before_the_period(plain_file: File) -> None:
    before, within = defaultdict(list), defaultdict(list)
    for user, session in plain_file.sessions:
        if session[0].time in PERIOD:
            within[user].append(length(session))
        elif session[-1].time + GAP < PERIOD.start:
            before[user].append(length(session))
    users = [user for user in within if len(within[user]) >= 3 and len(before[user]) >= 3]
    means = [(np.mean(before[user]), np.mean(within[user])) for user in users]
    assert np.corrcoef(np.log(means).T)[0, 1] > 0.4


def test_the_lift_multiplies_treatment_sessions_in_the_period(plain_file: File, lifted_file: File) -> None:
    """It multiplies their duration."""
    without = in_period(plain_file.sessions, TREATMENT)
    with_lift = in_period(lifted_file.sessions, TREATMENT)
    assert len(without) == len(with_lift)
    ratio = sum(length(session) for _, session in with_lift) / sum(length(session) for _, session in without)
    assert ratio == pytest.approx(1 + LIFT, rel=0.01)


def test_a_negative_lift_shortens_the_sessions(tmp_path: Path, study: Study, plain_file: File) -> None:
    truth = generate(tmp_path / "worse.tsv", events=EVENTS, lift=-0.2, study=study)
    assert truth.realised_lift == pytest.approx(-0.2, abs=0.01)
    assert truth.sessions == len(plain_file.sessions)


def test_a_large_lift_still_keeps_sessions_apart(tmp_path: Path, study: Study) -> None:
    sessions = generate(tmp_path / "double.tsv", events=60_000, lift=0.0, study=study).sessions
    generate(tmp_path / "double.tsv", events=60_000, lift=1.0, study=study)
    assert len(read(tmp_path / "double.tsv").sessions) == sessions


def test_a_lift_leaves_control_users_and_other_times_untouched(plain: Path, lifted: Path) -> None:
    assert untouched(plain) == untouched(lifted)
    assert plain.read_bytes() != lifted.read_bytes()


def untouched(path: Path) -> list[bytes]:
    """The rows, bad ones included, but for treatment users from the period's start to two days past its end.

    A session that starts on the last day may end on the next ones.
    """
    return [
        line
        for line in path.read_bytes().split(b"\n")
        if variant(line[:11].decode(errors="replace")) == CONTROL or not b"2009-03-01" <= line[12:22] < b"2009-05-03"
    ]


def test_no_second_holds_more_than_two_plays_of_a_user(lifted_file: File) -> None:
    assert max(max(Counter(play.time for play in plays).values()) for plays in lifted_file.plays.values()) == 2


@pytest.mark.parametrize("name", ["plain", "lifted"])
def test_the_truth_equals_a_recount_from_the_file(name: str, request: pytest.FixtureRequest) -> None:
    path: Path = request.getfixturevalue(name)
    file: File = request.getfixturevalue(f"{name}_file")
    truth = read_truth(path)
    assert (truth.rows, truth.rejected, truth.duplicates) == (file.rows, file.rejected, file.duplicates)
    assert truth.accepted == sum(len(plays) for plays in file.plays.values())
    assert truth.sessions == len(file.sessions)
    assert truth.users == len(file.plays) == truth.control.users + truth.treatment.users
    for name, claimed in ((CONTROL, truth.control), (TREATMENT, truth.treatment)):
        sessions = in_period(file.sessions, name)
        counts = Counter(user for user, _ in sessions)
        assert claimed.users_included == sum(count >= 3 for count in counts.values())
        assert claimed.sessions_in_period == len(sessions)
        assert claimed.mean_minutes == pytest.approx(np.mean([length(session) / 60 for _, session in sessions]))


def test_the_truth_knows_the_durations_without_the_lift(plain: Path, lifted: Path) -> None:
    assert read_truth(plain).realised_lift == 0
    for name in VARIANTS:
        without = getattr(read_truth(plain), name).mean_minutes
        assert getattr(read_truth(lifted), name).mean_minutes_without_lift == without


def test_a_few_rows_are_bad_for_each_reason_and_some_double(plain: Path) -> None:
    truth = read_truth(plain)
    assert set(truth.rejected) == {"out_of_range", "columns", "encoding", "date", "user"}
    assert sum(truth.rejected.values()) < truth.rows / 10_000
    assert truth.duplicates == pytest.approx(0.0002 * truth.rows, rel=0.5)


@pytest.mark.parametrize(("events", "users"), [(1, 1), (50, 40), (2_000, 2_000), (2_000, 7), (60_000, 12)])
def test_small_files_hold_the_asked_plays_and_users(tmp_path: Path, study: Study, events: int, users: int) -> None:
    truth = generate(tmp_path / "small.tsv", events=events, users=users, study=study)
    file = read(tmp_path / "small.tsv")
    assert sum(len(plays) for plays in file.plays.values()) == truth.accepted == events
    assert len(file.plays) == truth.users == users


def test_fewer_events_shorten_the_calendar_before_they_cut_users(study: Study) -> None:
    def days_and_users(events: int) -> tuple[int, int]:
        calendar, users = plan_calendar(events, None, study)
        assert calendar.first <= calendar.period_first - 90
        assert calendar.period_end + 2 < calendar.end < calendar.limit
        return calendar.end - calendar.first, users

    shortest = 91 + 61 + 4
    assert days_and_users(19_150_868) == (1_586, 992)
    assert days_and_users(5_000_000) == (414, 992)
    assert days_and_users(1_800_000) == (shortest, 992)
    assert days_and_users(180_000) == (shortest, 100)


@pytest.mark.parametrize(
    "wrong",
    [{"events": 0}, {"users": 0}, {"events": 10, "users": 11}, {"lift": -1.0}, {"lift": 6.0}, {"seed": -1}],
)
def test_impossible_parameters_are_refused(tmp_path: Path, study: Study, wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        generate(tmp_path / "never.tsv", **wrong, study=study)
    assert not list(tmp_path.iterdir())


def test_more_plays_than_time_allows_are_refused_with_what_fits(tmp_path: Path, study: Study) -> None:
    """The message says how many events would fit."""
    with pytest.raises(SettingsError, match=r"at most [\d,]+ events"):
        generate(tmp_path / "never.tsv", events=500_000, users=1, study=study)


def test_an_interrupted_generator_leaves_the_old_file_intact(tmp_path: Path, study: Study) -> None:
    """Nothing half-written is left beside it."""

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "userid-x.tsv"
    with pytest.raises(KeyboardInterrupt):
        generate(out, events=2_000, study=study, progress=interrupt)
    assert not list(tmp_path.iterdir())

    out.write_bytes(b"old\n")
    with pytest.raises(KeyboardInterrupt):
        generate(out, events=2_000, study=study, progress=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["userid-x.tsv"]
    assert out.read_bytes() == b"old\n"


def test_a_disk_that_refuses_is_reported_with_a_fix(tmp_path: Path, study: Study) -> None:
    (tmp_path / "folder").write_bytes(b"a file, not a folder")
    with pytest.raises(ResourceError, match="fix: "):
        generate(tmp_path / "folder" / "out.tsv", events=10, study=study)


def test_progress_rises_to_all_events(tmp_path: Path, study: Study) -> None:
    calls: list[tuple[int, int]] = []
    generate(tmp_path / "x.tsv", events=300_000, study=study, progress=lambda done, total: calls.append((done, total)))
    assert len(calls) > 1
    assert calls == sorted(calls)
    assert calls[-1] == (300_000, 300_000)


def test_the_truth_beside_the_file_is_the_one_returned(tmp_path: Path, study: Study) -> None:
    truth = generate(tmp_path / "x.tsv", events=2_000, lift=0.1, study=study)
    assert isinstance(truth, Truth)
    assert read_truth(tmp_path / "x.tsv") == truth


@pytest.mark.parametrize(
    ("lift", "included", "decision"),
    [(0.15, 49, "no_data"), (0.0, 500, "dont_ship"), (-0.1, 500, "dont_ship"), (0.05, 500, None), (0.15, 500, "ship")],
)
def test_the_expected_decision_is_named_unless_chance_decides(
    study: Study, lift: float, included: int, decision: str | None
) -> None:
    half = VariantTruth(included, included, 10 * included, 70.0, 70.0)
    assert expected_decision(study, lift, half, half) == decision
