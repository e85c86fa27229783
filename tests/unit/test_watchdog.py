"""The watchdog ends what makes no progress although there is work, and nothing that waits for good reason."""

import asyncio
import logging
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from faust.types import TP

from livelift.errors import SettingsError, StandstillError
from livelift.names import RunNames
from livelift.watchdog import SETTING, Sight, Standstill, Watchdog, standstill_seconds
from processor.watched import Standing, Watched, standing

NAMES = RunNames("lastfm", "run")
LIMIT = 120.0
EVERY = 10.0
WORKING = Standing("me", 1, {0: 41, 1: 7}, {})


class Broker:
    """What a broker says."""

    def __init__(self) -> None:
        self.there = True
        self.end = {0: 50, 1: 8}
        self.group = {"me", "somebody"}

    def ends(self, topic: str, partitions: list[int]) -> dict[int, int] | None:
        return {number: self.end[number] for number in partitions} if self.there else None

    def members(self, group: str) -> set[str] | None:
        return self.group if self.there else None


class EndedError(Exception):
    """In place of the end of the process."""


class Station:
    """A worker, its broker, and the watchdog that looks at it every 10 s."""

    def __init__(self) -> None:
        self.broker = Broker()
        self.at: Standing | None = WORKING
        self.now = 1_000.0
        self.watchdog = Watchdog("processor", Watched(NAMES, lambda: self.at, self.broker), LIMIT, end=self.end)

    def end(self, error: StandstillError, log: logging.Logger) -> None:
        raise EndedError(error)

    def passes(self, seconds: float, every: float = EVERY) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now += every
            self.watchdog.look(self.now)

    def stands_still(self) -> StandstillError:
        """The error that ends it, at the limit and not before."""
        self.passes(LIMIT)
        with pytest.raises(EndedError) as ended:
            self.passes(EVERY)
        error = ended.value.args[0]
        assert isinstance(error, StandstillError)
        return error


@pytest.fixture
def station() -> Station:
    return Station()


def test_records_that_wait_and_are_not_applied_end_the_worker(station: Station) -> None:
    words = str(station.stands_still())
    assert "partition 0 of livelift.lastfm.run.events: for 120 s 8 records have waited from offset 42 on" in words
    assert "none was applied, although Kafka answers" in words
    assert "LIVELIFT_STANDSTILL_SECONDS" in words


def test_one_partition_that_stands_still_is_enough(station: Station) -> None:
    station.broker.end[1] = 1_000

    def pass_while_the_other_goes_on() -> None:
        for offset in range(100):
            station.at = replace(WORKING, applied={0: 41, 1: offset})
            station.passes(EVERY)

    with pytest.raises(EndedError, match=r"partition 0 .* for 120 s"):
        pass_while_the_other_goes_on()


def test_a_worker_that_applies_something_now_and_then_goes_on(station: Station) -> None:
    for offset in range(20):
        station.at = replace(WORKING, applied={0: offset, 1: 7})
        station.passes(LIMIT - EVERY)


def test_a_quiet_topic_is_waited_for(station: Station) -> None:
    station.broker.end = {0: 42, 1: 8}
    station.passes(100 * LIMIT)


def test_a_broker_that_is_away_is_waited_for(station: Station, caplog: pytest.LogCaptureFixture) -> None:
    station.passes(LIMIT - EVERY)
    station.broker.there = False
    station.passes(100 * LIMIT)
    assert [record.message for record in caplog.records] == ["Kafka does not answer: the worker waits for it"]
    station.broker.there = True
    station.stands_still()


def test_a_worker_that_was_paused_has_seen_nothing_stand_still(station: Station) -> None:
    station.passes(3 * EVERY)
    for _ in range(3):
        station.now += 10_000.0  # SIGSTOP, SIGCONT
        station.watchdog.look(station.now)


def test_a_recovery_that_does_not_advance_ends_the_worker(station: Station) -> None:
    station.at = Standing("me", 1, {0: None}, {0: 17})
    assert "its state is being restored, and no record of the changelog after offset 17" in str(station.stands_still())


def test_a_slow_recovery_that_advances_is_waited_for(station: Station) -> None:
    for read in range(100):
        station.at = Standing("me", 1, {0: None}, {0: read})
        station.passes(LIMIT - EVERY)


def test_partitions_that_are_never_restored_end_the_worker(station: Station) -> None:
    station.broker.end = {0: 0}
    station.at = Standing("me", 1, {0: None}, {})
    assert "partition 0" in str(station.stands_still())


def test_a_worker_that_its_group_does_not_know_is_ended(station: Station) -> None:
    station.at = Standing("", 0, {}, {})
    assert "has not been a member of its group livelift.lastfm.run" in str(station.stands_still())


def test_a_member_without_partitions_is_waited_for(station: Station) -> None:
    station.at = Standing("me", 1, {}, {})
    station.passes(100 * LIMIT)


def test_a_worker_that_is_being_stopped_is_not_watched(station: Station) -> None:
    station.at = None
    station.passes(100 * LIMIT)


def test_a_worker_that_failed_and_does_not_end_is_ended(station: Station) -> None:
    station.broker.there = False
    station.at = Standing("", 0, {}, {}, failed=True)
    assert "it has failed with an error" in str(station.stands_still())


def app_of(consumer: object, store: object = None, recovery: object = None, **events: bool) -> SimpleNamespace:
    """What Faust's application shows of a worker."""

    class Tables(dict[str, object]):
        _recovery = recovery

    happened = {
        name: SimpleNamespace(is_set=lambda name=name: events.get(name, False)) for name in ("_crashed", "_stopped")
    }
    return SimpleNamespace(
        _consumer=consumer, consumer_generation_id=3, tables=Tables(state=SimpleNamespace(_data=store)), **happened
    )


def test_a_worker_can_be_looked_at_in_every_stage_of_its_life() -> None:
    consumer = SimpleNamespace(member_id="me", assigned=lambda topic: {0, 1} if topic == NAMES.events else set())
    store = SimpleNamespace(partitions={1: SimpleNamespace(as_of=41)})
    recovery = SimpleNamespace(active_offsets={TP(NAMES.changelog, 0): 7, TP(NAMES.changelog, 1): None})

    def at(app: SimpleNamespace) -> Standing | None:
        return standing(app, "state", NAMES.events)

    assert at(app_of(None)) == Standing("", 3, {}, {})
    assert at(app_of(consumer)) == Standing("me", 3, {0: None, 1: None}, {})
    assert at(app_of(consumer, store, recovery)) == Standing("me", 3, {0: None, 1: 41}, {0: 7})
    assert at(app_of(consumer, store, recovery, _stopped=True)) is None
    failed = at(app_of(consumer, store, recovery, _stopped=True, _crashed=True))
    assert failed is not None
    assert failed.failed


def test_a_look_that_fails_has_seen_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fails() -> list[Sight]:
        raise RuntimeError("dictionary changed size during iteration")

    watchdog = Watchdog("processor", fails, LIMIT)
    for second in range(1_000):
        watchdog.look(float(second))
    assert "dictionary changed size" in caplog.text


def test_a_process_with_a_blocked_event_loop_is_ended() -> None:
    ended: list[StandstillError] = []
    blocked = threading.Event()

    def end(error: StandstillError, log: logging.Logger) -> None:
        ended.append(error)
        blocked.set()

    async def block() -> None:
        with Watchdog("it", lambda: [Sight("x", 1, "y")], 0.5, asyncio.get_running_loop(), end):
            assert blocked.wait(20), "nothing ended it"

    asyncio.run(block())
    assert "the it stands still: x: for " in str(ended[0])


def test_a_station_that_has_done_its_work_is_watched_no_more() -> None:
    ended: list[StandstillError] = []
    with Watchdog("it", lambda: [Sight("x", 1, "y")], 0.2, end=lambda error, _: ended.append(error)):
        pass
    time.sleep(0.6)
    assert ended == []


def test_the_log_says_where_threads_and_tasks_wait(caplog: pytest.LogCaptureFixture) -> None:
    async def inner() -> None:
        await asyncio.Event().wait()

    async def waits_for_ever() -> None:
        await inner()

    async def look() -> None:
        task = asyncio.create_task(waits_for_ever())
        await asyncio.sleep(0)
        station = Station()
        station.watchdog._loop = asyncio.get_running_loop()
        thread = threading.Thread(target=time.sleep, args=(0.5,), name="sleeper")
        thread.start()
        station.stands_still()
        thread.join()
        task.cancel()

    asyncio.run(look())
    assert "1 × task test_the_log_says_where_threads_and_tasks_wait.<locals>.waits_for_ever > " in caplog.text
    assert ".inner > Event.wait at " in caplog.text
    assert "thread sleeper:" in caplog.text


def test_what_is_seen_no_more_is_forgotten() -> None:
    standstill = Standstill(most=20.0)
    standing = [Sight("it", 1, "x")]
    assert [standstill.look(float(now), standing)["it"] for now in (0, 10)] == [0.0, 10.0]
    assert standstill.look(20.0, []) == {}
    assert standstill.look(30.0, standing) == {"it": 0.0}


def test_the_limit_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert standstill_seconds() == 120.0
    monkeypatch.setenv(SETTING, "300")
    assert standstill_seconds() == 300.0
    monkeypatch.setenv(SETTING, "0")
    with pytest.raises(SettingsError, match=SETTING):
        standstill_seconds()
