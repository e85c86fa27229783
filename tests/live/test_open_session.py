"""One listener who never stops holds the completion of a live run for the study's wait, and no longer."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from livelift.document.document import SessionCounts
from livelift.study import load_study
from local.demo import DemoPlan
from local.servers import LocalServers
from tests.support.live_run import assert_equals_batch, live_run

STUDY = load_study("lastfm")


def write_log(path: Path) -> None:
    """Three listeners an hour each day, and one who plays every half hour from 30 April 23:00 to 3 May 23:30."""
    rows = [
        (f"u{user}", datetime(2009, 3, 1, 8 + user) + timedelta(days=day, minutes=minutes))
        for day in range(66) for user in range(3) for minutes in (0, 9)
    ]  # fmt: skip
    rows += [("marathon", datetime(2009, 4, 30, 23) + timedelta(minutes=30 * play)) for play in range(146)]
    path.write_text("".join(f"{user}\t{at:%Y-%m-%dT%H:%M:%SZ}\t\ta\t\tb\n" for user, at in rows))


@pytest.mark.slow
def test_a_session_that_never_ends_holds_a_live_run_for_a_day(
    servers: LocalServers, folder: Path, tmp_path: Path
) -> None:
    write_log(tmp_path / "log.tsv")
    document = live_run(servers, folder, DemoPlan(STUDY, tmp_path / "log.tsv", partitions=3))
    assert_equals_batch(document, tmp_path / "log.tsv", STUDY, servers)
    assert document.sessions == SessionCounts(all=199, in_period=183, one_event=0, included=183, unfinished=1)
    assert document.progress.period_complete
