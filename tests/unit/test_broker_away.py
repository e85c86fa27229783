"""Faust's recovery and consumer while Kafka does not answer, without a broker: what they do is wait, and go on."""

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from aiokafka.consumer.subscription_state import Assignment
from aiokafka.errors import IllegalStateError, KafkaConnectionError, KafkaTimeoutError, TopicAuthorizationFailedError
from faust.tables.recovery import RebalanceAgain, ServiceStopped
from faust.types import TP

from processor.consumer import StateConsumer, state_consumer
from processor.patient_recovery import PatientRecovery, PatientTables

HERE, THERE = TP("events", 0), TP("events", 1)


async def _nothing(*_: Any) -> None: ...


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[asyncio.AbstractEventLoop]:
    """The loop of the test: Faust takes the current one when an app is made."""
    monkeypatch.setattr(PatientRecovery, "retry_seconds", 0.01)
    monkeypatch.setattr("processor.consumer.RETRY_SECONDS", 0.01)
    with asyncio.Runner() as runner:
        asyncio.set_event_loop(runner.get_loop())
        yield runner.get_loop()
    asyncio.set_event_loop(None)


@pytest.fixture
def app(loop: asyncio.AbstractEventLoop) -> faust.App:
    return faust.App("broker-away", broker="kafka://127.0.0.1:1", loop=loop, TableManager=PatientTables)


@pytest.fixture
def recovery(app: faust.App) -> PatientRecovery:
    found = app.tables.recovery
    assert isinstance(found, PatientRecovery)
    return found


async def fails(error: Exception) -> None:
    raise error


def test_a_recovery_step_may_outlast_fausts_time_limit(
    loop: asyncio.AbstractEventLoop, recovery: PatientRecovery
) -> None:
    done = []

    async def step() -> None:
        await asyncio.sleep(0.05)
        done.append(True)

    loop.run_until_complete(recovery._wait(step(), timeout=0.01))
    assert done == [True]


@pytest.mark.parametrize("error", [KafkaTimeoutError(), KafkaConnectionError(), TimeoutError()])
def test_a_recovery_step_without_a_broker_is_tried_again(
    error: Exception, loop: asyncio.AbstractEventLoop, recovery: PatientRecovery
) -> None:
    with pytest.raises(RebalanceAgain):
        loop.run_until_complete(recovery._wait(fails(error)))
    assert recovery.signal_recovery_start.is_set(), "nothing begins it"


@pytest.mark.parametrize("error", [IllegalStateError(), TopicAuthorizationFailedError(), ValueError()])
def test_what_time_does_not_mend_is_not_tried_again(
    error: Exception, loop: asyncio.AbstractEventLoop, recovery: PatientRecovery
) -> None:
    with pytest.raises(type(error)):
        loop.run_until_complete(recovery._wait(fails(error)))
    assert not recovery.signal_recovery_start.is_set()


def test_recovery_of_a_worker_that_is_stopped_ends(loop: asyncio.AbstractEventLoop, recovery: PatientRecovery) -> None:
    recovery._stopped.set()
    with pytest.raises(ServiceStopped):
        loop.run_until_complete(recovery._wait(asyncio.sleep(60)))


def test_where_to_read_on_is_asked_until_kafka_answers(
    app: faust.App, loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer = state_consumer(lambda: {HERE: 42})(app.transport, _nothing, _nothing, _nothing)
    answers = iter([KafkaTimeoutError(), None, TimeoutError(), None, None])  # of committed offsets and seeks, in turn
    sought = []

    async def answer(*_: Any) -> dict[TP, int]:
        error = next(answers)
        if error is not None:
            raise error
        return {HERE: 99}

    async def seek_wait(offsets: dict[TP, int]) -> None:
        await answer()
        sought.append(offsets)

    monkeypatch.setattr(consumer, "seek_to_committed", answer)
    monkeypatch.setattr(consumer, "seek_wait", seek_wait)
    loop.run_until_complete(asyncio.wait_for(consumer.perform_seek(), 5))
    assert sought == [{HERE: 42}]


def test_the_end_of_a_partition_that_was_revoked_is_unknown(app: faust.App, loop: asyncio.AbstractEventLoop) -> None:
    consumer = StateConsumer(app.transport, _nothing, _nothing, _nothing)
    subscription = SimpleNamespace(assignment=None)
    consumer._thread._consumer = SimpleNamespace(_subscription=SimpleNamespace(subscription=None))
    try:
        assert consumer.highwater(HERE) is None
        consumer._thread._consumer._subscription.subscription = subscription
        assert consumer.highwater(HERE) is None
        assigned = subscription.assignment = loop.run_until_complete(_assignment())
        assert consumer.highwater(HERE) is None
        assigned.state_value(HERE).highwater = 7
        assert consumer.highwater(HERE) == 7
        assert consumer.highwater(THERE) is None
        consumer._thread.verify_event_path(0.0, THERE)
    finally:
        consumer._thread.thread_loop.close()


async def _assignment() -> Assignment:
    return Assignment({HERE})
