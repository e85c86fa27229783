"""The stats station's loop: reads the output log, computes verdicts, commits to Redis. One active process a run.

Read what has arrived, apply it up to the next tick, evaluate the tick, commit all of it to Redis in one step. When
Redis or Kafka fails, load again and seek to what it holds; when the commit is refused because Redis holds other cursors,
stand by first. A right that is missing at the start ends the station; one that is taken away while it works is waited for.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable
from math import inf

import redis

from livelift.document import Document, history_entry
from livelift.errors import DeniedError, StateError, UnreachableError
from livelift.output_log import END_DUE, Output
from livelift.sessions import session_measures
from livelift.study import Study
from livelift.tick_sums import TickSums
from stats.decision import engine
from stats.decision.verdict import Verdict
from stats.edges.document import make_document
from stats.edges.eviction import UNKNOWN as UNKNOWN_EVICTION
from stats.edges.hot_standby import wait_while_moving
from stats.edges.integrity import Damaged
from stats.edges.kafka_edge import LOST as KAFKA_LOST
from stats.edges.kafka_edge import OutputReader
from stats.edges.prometheus_edge import StatsMetrics
from stats.edges.redis_commit import Command, CommitConflict
from stats.edges.redis_connection import connect, eviction, refusal
from stats.edges.redis_store import RedisStore
from stats.edges.watched import Standing
from stats.settings import StatsSettings
from stats.sums.run_state import RunState

log = logging.getLogger("livelift.stats")

HEALS = (
    redis.exceptions.ReadOnlyError, redis.exceptions.MasterDownError, redis.exceptions.TryAgainError,
    redis.exceptions.OutOfMemoryError,
)  # fmt: skip
"""What a Redis says that fails over, or has no memory at the moment."""

LOST = (redis.ConnectionError, redis.TimeoutError, *HEALS, *KAFKA_LOST, OSError)
"""What a restart of Kafka or Redis looks like, or what passes by itself: wait and load again. Anything else is an error."""

RETRY_SECONDS = 0.5
POLL_MS = 50
MOST_DAMAGES = 5
"""How often a run is read again from Kafka before the station gives up."""

SAY_SECONDS = 30.0
"""How often a right is mentioned that is missing."""

EVICTION_SECONDS = 60.0
"""How often Redis is asked whether it removes keys."""

ASK_SECONDS = 1.0
"""How often Redis is looked at while nothing arrives."""


def passes(error: redis.ResponseError) -> bool:
    """Is this a refusal that ends by itself: a slow script of somebody else, replicas that are away?

    >>> passes(redis.ResponseError("BUSY Redis is busy running a script")), passes(redis.ResponseError("ERR syntax error"))
    (True, False)
    """
    return str(error).startswith(("BUSY ", "NOREPLICAS "))


class StatsStation:
    """One run's statistics, from the position that Redis holds to the end of the stream."""

    def __init__(self, settings: StatsSettings, study: Study, metrics: StatsMetrics) -> None:
        self._settings = settings
        self._study = study
        self._metrics = metrics
        self._measures = session_measures(study).names
        self._client = connect(settings.redis)
        self._store = RedisStore(self._client, settings.names, study, self._measures)
        self._reader: OutputReader | None = None
        self._state: RunState
        self._engine = engine.initial(study)
        self._previewed_at = self._asked_at = 0.0
        self._eviction_at = self._denial_at = -inf
        self._eviction_words = self._denial_words = ""
        self._has_worked = False
        self._damages = 0
        self._said: tuple[str, str | None] | None = None
        self._steps = 0
        self._reads = False

    def standing(self) -> Standing:
        """Where the station stands, for its watchdog: asked from another thread."""
        return Standing(self._steps, self._reader.to_read() if self._reads and self._reader is not None else {})

    def run(self, stop: Callable[[], bool], until_end: bool) -> None:
        """Work until `stop()`, or until the end of the stream if `until_end`.

        Raises
        ------
        UnreachableError
            If Redis is not there to begin with, or its user lacks a right.
        LiveliftError
            If what they hold can't be read.
        """
        try:
            self._work(stop, until_end)
        except redis.ResponseError as error:
            raise refusal(error) from None
        finally:
            if self._reader is not None:
                self._reader.close()

    def _work(self, stop: Callable[[], bool], until_end: bool) -> None:
        refused = False
        self._begin(stop)
        while not stop():
            self._steps += 1
            try:
                if refused:
                    self._reads = False
                    wait_while_moving(self._held, stop)
                    self._begin(stop)
                    refused = False
                else:
                    self._once()
            except Damaged as damage:
                log.warning("loading again: %s", damage)
                self._begin(stop)
            except CommitConflict:
                refused = True
                log.warning("another stats station writes this run, or Redis was rolled back: standing by")
            except DeniedError as error:
                self._wait_for_right(error)
                self._begin(stop)
            except LOST as error:
                log.warning("connection lost, trying again: %s", error)
                time.sleep(RETRY_SECONDS)
                self._begin(stop)
            except redis.ResponseError as error:
                if not passes(error):
                    raise
                log.warning("Redis is busy, trying again: %s", error)
                time.sleep(RETRY_SECONDS)
                self._begin(stop)
            if until_end and self._state.ended:
                return

    def _held(self) -> object:
        self._steps += 1
        return self._store.held()

    def _begin(self, stop: Callable[[], bool]) -> None:
        """Load the run from Redis and read on from its positions; waits for both and for the topic."""
        self._reads = False
        while not stop():
            self._steps += 1
            try:
                if self._reader is None:
                    self._reader = OutputReader(self._settings.kafka, self._settings.names.output)
                partitions = self._reader.partitions()
                if partitions:
                    self._look_at_eviction()
                    self._store.require_rights()
                    self._store.make_current()  # again after every loss: Redis may have been emptied
                    self._state, kept = self._load(partitions)
                    self._engine = engine.from_bytes(kept) if kept else engine.initial(self._study)
                    self._metrics.reloaded()
                    self._reader.seek([partition.position for partition in self._state.logs])
                    self._reads = True
                    log.info("reading on", extra={"positions": [p.position for p in self._state.logs]})
                    self._has_worked = True
                    return
            except DeniedError as error:
                if not self._has_worked:
                    raise
                self._wait_for_right(error)
                continue
            except (*LOST, UnreachableError) as error:
                log.warning("waiting for Kafka and Redis: %s", error)
            except redis.ResponseError as error:
                if not passes(error):
                    raise
                log.warning("waiting for Redis: %s", error)
            time.sleep(RETRY_SECONDS)
        self._state = RunState(self._study, self._measures, 0)

    def _wait_for_right(self, error: DeniedError) -> None:
        """Somebody took a right away, and may give it back: say which, now and then."""
        now, words = time.monotonic(), str(error)
        if words != self._denial_words or now - self._denial_at >= SAY_SECONDS:
            log.error("waiting until the right is there: %s", words)
            self._denial_at, self._denial_words = now, words
        time.sleep(RETRY_SECONDS)

    def _look_at_eviction(self) -> None:
        """Warn, once for each setting, when Redis may remove keys."""
        now = time.monotonic()
        if now - self._eviction_at < EVICTION_SECONDS:
            return
        self._eviction_at = now
        found = eviction(self._client)
        words = UNKNOWN_EVICTION if found is None else found.words
        if words != self._eviction_words:
            log.log(logging.WARNING if found is not None and found.threatens else logging.INFO, "%s", words)
            self._eviction_words = words

    def _load(self, partitions: int) -> tuple[RunState, bytes | None]:
        """The run as Redis holds it; as it is before its first output where what is held is damaged.

        Raises
        ------
        StateError
            If it is damaged again and again.
        """
        for _ in range(MOST_DAMAGES):
            try:
                return self._store.load(partitions)
            except Damaged as found:
                damage = found
                log.warning("what Redis holds of this run is damaged, it is read again from Kafka: %s", damage)
                self._damages += 1
                if self._damages > MOST_DAMAGES:
                    break
                self._store.start_over()
        raise StateError(
            f"Redis loses or changes what it holds of this run again and again: {damage}",
            "does it evict keys (INFO memory, maxmemory_policy: it has to be noeviction), does somebody else write them?",
        )

    def _once(self) -> None:
        """One round: poll, apply, commit; at every tick a commit of its own."""
        assert self._reader is not None
        self._look_at_eviction()
        arrived: Counter[type[Output]] = Counter()
        for partition, outputs in self._reader.poll(POLL_MS):
            self._state.offer(partition, outputs)
            arrived.update([type(output) for _, output in outputs])
        if not arrived:
            self._idle()
            return
        while (sums := self._state.step()) is not None:
            self._tick(sums)
        self._commit(None, self._preview())
        waiting = [len(partition.waiting) for partition in self._state.logs]
        self._reader.hold_back(waiting)
        self._metrics.arrived(arrived, self._reader.lag(), waiting)

    def _commit(self, engine_state: bytes | None, commands: list[Command]) -> None:
        began = time.perf_counter()
        self._store.commit(self._state, engine_state, commands)
        self._metrics.committed(time.perf_counter() - began)

    def _tick(self, sums: TickSums) -> None:
        """Evaluate a tick and commit it, with the verdict and its place in the history."""
        study = self._study
        if sums.time <= study.experiment.start_ms and not sums.ended:
            return  # nothing of the experiment has happened yet
        self._steps += 1
        began = time.perf_counter()
        reason = self._store.close_at(sums.time, sums.ended)
        stepped, verdict = self._evaluate(sums, reason)
        document = make_document(study, self._settings.run, sums, verdict)
        took = time.perf_counter() - began
        done = [] if reason is None else [self._close_command(reason, sums, stepped)]
        commands = self._store.verdict_commands(document, history_entry(document))
        self._commit(engine.to_bytes(stepped), [*commands, *done])
        self._metrics.ticked(document, took)
        if (verdict.decision, verdict.why) != self._said:
            log.info("decision", extra={"decision": verdict.decision, "why": verdict.why, "as_of": document.as_of})
            self._said = (verdict.decision, verdict.why)
        self._engine = stepped

    def _evaluate(self, sums: TickSums, close: str | None) -> tuple[engine.EngineState, Verdict]:
        """The tick's verdict; with a reason to `close` the last one, unless the study has ended by itself."""
        if close is not None:
            try:
                return engine.close_early(self._engine, sums, self._study, close)
            except StateError as error:
                log.warning("the study is not closed: %s", error)
        return engine.step(self._engine, sums, self._study)

    def _close_command(self, reason: str, sums: TickSums, stepped: engine.EngineState) -> Command:
        if stepped.closed:
            return self._store.close_made(reason, sums.time, sums.ended)
        return self._store.close_refused()

    def _idle(self) -> None:
        """Nothing arrives: now and then, is Redis still as it was, and does anybody close a study whose stream has ended?

        Raises
        ------
        CommitConflict
            If Redis was emptied or rolled back: no commit would notice.
        """
        now = time.monotonic()
        if now - self._asked_at < ASK_SECONDS:
            return
        self._asked_at = now
        if self._store.moved():
            raise CommitConflict
        if not self._state.ended:
            return
        if self._engine.final is None and not self._engine.closed:
            sums = self._state.sums(END_DUE)
            if self._store.close_at(sums.time, sums.ended) is not None:
                self._tick(sums)

    def _preview(self) -> list[Command]:
        """The display between ticks, at most every `preview_seconds`."""
        now = time.monotonic()
        if now - self._previewed_at < self._settings.preview_seconds or self._state.ended:
            return []
        self._previewed_at = now
        document = self.preview()
        self._metrics.shown(document)
        return self._store.preview_commands(document)

    def preview(self) -> Document:
        """The document between ticks, from totals alone."""
        sums = self._state.totals()
        return make_document(self._study, self._settings.run, sums, engine.preview(self._engine, sums, self._study))
