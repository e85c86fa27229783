"""Runs `livelift up`: servers, and the stations of every study's current run, until stopped."""

import os
import time
from collections.abc import Callable
from contextlib import suppress

from livelift import settings
from livelift.errors import StudyError
from livelift.study import Study, load_study
from local.metric_targets import forget_targets
from local.monitoring import watching
from local.run_folder import RunFolder
from local.servers import LocalServers, local_servers
from local.side_by_side import SideBySide

POLL_SECONDS = 0.3


def up(
    folder: RunFolder,
    kafka_port: int | None,
    redis_port: int | None,
    say: Callable[[str], None],
    raise_if_asked: Callable[[], None],
) -> None:
    """Run servers and stations of every study's current run until KeyboardInterrupt.

    `raise_if_asked` raises it for a signal whose own KeyboardInterrupt a library dropped.

    Raises
    ------
    StateError
        If a stack of this folder is up already.
    LiveliftError
        If a server does not start, or a station or server ends for good.
    """
    with folder.only_stack():
        folder.keep_or_drop_demo()
        forget_targets(folder.metric_targets)
        with (
            local_servers(folder.root, kafka_port=kafka_port, redis_port=redis_port) as servers,
            watching(folder, _studies(folder), say) as watchers,
        ):
            addresses = {"kafka": servers.kafka.address, "redis": servers.redis.url}
            folder.save_stack(addresses)
            say(f"{whereabouts(servers)} — now: livelift replay; Ctrl-C stops the stack")
            work = SideBySide(folder, servers, watchers, say)
            try:
                while True:
                    work.look_after()
                    raise_if_asked()
                    time.sleep(POLL_SECONDS)
            finally:
                work.stop()
                folder.forget_stack()


def _studies(folder: RunFolder) -> list[Study]:
    """Those that have a current run; without any the one that is set. What is wrong with one of theirs, its stations say."""
    chosen, found = load_study(settings.setting(settings.STUDY)), []
    for run in folder.current_runs():
        with suppress(StudyError):
            found.append(load_study(run.study_at or run.study))
    return found or [chosen]


def whereabouts(servers: LocalServers) -> str:
    """Where the servers are, for a person: no password, but where it lies."""
    password = os.path.relpath(servers.redis.password_file)
    return f"Kafka {servers.kafka.address}, Redis {servers.redis.address} (password in {password})"
