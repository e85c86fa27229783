"""Runs the stations of every study's current run beside each other, on one Kafka and one Redis."""

from collections.abc import Callable

from redis.exceptions import RedisError

from livelift.errors import ResourceError, StudyError, UnreachableError
from livelift.study import load_study
from local.monitoring import Watchers
from local.restarting import ServerKeeper
from local.run_folder import Run, RunFolder
from local.runs import show_run
from local.servers import LocalServers
from local.stations import Stations
from local.supervisor import Supervisor
from stats.edges.redis_connection import connect

STATIONS = ("processor", "stats")


class SideBySide:
    """Keeps servers, and of each study a processor and a stats station, alive. A study's new run takes its old one's place.

    A study that cannot be read is left out until it can be. One whose stations fail for good is left out until it has another
    run: the others go on. The last one's error is raised.
    """

    def __init__(
        self, folder: RunFolder, servers: LocalServers, watchers: Watchers, say: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._servers = servers
        self._watchers = watchers
        self._say = say
        self._keeper = ServerKeeper((servers.kafka, servers.redis), say)
        self._runs: dict[str, Run] = {}
        self._unread: dict[str, str] = {}
        self._at_work: dict[str, tuple[Stations, Supervisor]] = {}

    def look_after(self) -> None:
        """Begin what is new, start again what was killed; to be called again and again.

        Raises
        ------
        ResourceError
            If a server, or a station of the only study, ends for good.
        """
        self._keeper.look_after()
        for run in self._folder.current_runs():
            if run != self._runs.get(run.study) and self._is_shown(run):
                self._begin(run)
        for study, (_, supervisor) in list(self._at_work.items()):
            try:
                supervisor.look_after()
            except ResourceError as error:
                if len(self._at_work) == 1:
                    raise
                self._leave(study, missed=True)
                self._say(f"study {study} is left out, the others go on: {error}")

    def stop(self) -> None:
        """Stop all stations."""
        for study in list(self._at_work):
            self._leave(study)

    def _begin(self, run: Run) -> None:
        try:
            study = load_study(run.study_at or run.study)
        except StudyError as error:
            self._say_unread(run.study, error)
            return
        self._leave(run.study)
        self._runs[run.study] = run
        self._watchers.show(study)
        stations = Stations(self._folder, run, self._servers.kafka.address, self._servers.redis.url)
        supervisor = Supervisor(stations, lambda text: self._say_of(run.study, text), self._keeper)
        self._at_work[run.study] = stations, supervisor
        for station in STATIONS:
            supervisor.start(station, {"LIVELIFT_TOPIC_WAIT_SECONDS": "86400"})
        self._say(f"run {run.run} of study {run.study}: processor and stats started")

    def _say_unread(self, study: str, error: StudyError) -> None:
        """Once, as long as nothing else is wrong with it."""
        words = f"study {study} is left out until it can be read (livelift reset --study {study} removes it): {error}"
        if self._unread.get(study) != words:
            self._unread[study] = words
            self._say(words)

    def _leave(self, study: str, *, missed: bool = False) -> None:
        if study in self._at_work:
            self._at_work.pop(study)[0].stop(missed=missed)

    def _say_of(self, study: str, text: str) -> None:
        self._say(text if len(self._at_work) == 1 else f"{study}: {text}")

    def _is_shown(self, run: Run) -> bool:
        """Let the public keys speak of `run`: they may speak of a later demo, unfinished. Later, if Redis does not answer now."""
        try:
            show_run(connect(self._servers.redis.url), run.study, run.run)
        except (UnreachableError, RedisError):
            return False
        return True
