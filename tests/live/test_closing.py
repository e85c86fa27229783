"""`livelift close`: answered by the running stats station at its next tick, or done directly in Redis without one."""

from pathlib import Path

import pytest

from livelift import settings
from livelift.errors import StateError
from livelift.event_time import from_iso
from livelift.study import load_study
from local.closing import close_study
from local.demo import DemoPlan
from local.run_folder import RunFolder
from local.servers import LocalServers
from studies.lastfm import generator as lastfm_generator
from tests.support.live_run import LiveRun, live_run

STUDY = load_study("lastfm")


def made(tmp_path: Path) -> Path:
    data = tmp_path / "log.tsv"
    lastfm_generator.generate(data, events=150_000, users=400, lift=0.0, seed=3, study=STUDY)
    return data


@pytest.mark.slow
def test_a_running_study_closes_at_its_next_tick_and_stays_so(
    servers: LocalServers, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(settings.REDIS, servers.redis.url)

    def close(live: LiveRun) -> None:
        live.wait_for(lambda document: document.decision == "keep_running")
        closed = close_study(RunFolder(folder), STUDY, "the launch was cancelled")
        assert closed is not None and closed.why == "not_proven" and closed.progress.look < 61
        assert "the study was closed early" in closed.summary and "no longer holds" in closed.guarantee[0]

    document = live_run(servers, folder, DemoPlan(STUDY, made(tmp_path), speed="900000x"), close)
    assert (document.decision, document.why) == ("dont_ship", "not_proven")
    assert len(document.deviations) == 1 and document.deviations[0].endswith("looks: the launch was cancelled")
    with pytest.raises(StateError, match="has ended already"):
        close_study(RunFolder(folder), STUDY, "again")


@pytest.mark.slow
def test_a_study_whose_stream_ended_closes_without_a_station(
    servers: LocalServers, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stream ended before the study's period was complete."""
    monkeypatch.setenv(settings.REDIS, servers.redis.url)
    plan = DemoPlan(STUDY, made(tmp_path), select_to=from_iso("2009-03-20"))
    ended = live_run(servers, folder, plan)
    assert (ended.decision, ended.why) == ("keep_running", "ended_early")
    closed = close_study(RunFolder(folder), STUDY, "the stream is over")
    assert closed is not None and (closed.decision, closed.why) == ("dont_ship", "not_proven")
    assert closed.deviations == ("closed early after 18 of 61 looks: the stream is over",)
