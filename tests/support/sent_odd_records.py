"""Every odd record sent to a running replay, between two of its events, and what is the batch's nevertheless."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from aiokafka import AIOKafkaProducer
from kafka import KafkaConsumer, TopicPartition
from msgspec.structs import replace

from broker.partitioning import partition_of
from livelift.document import Document, HistoryEntry
from livelift.events import decode_control
from livelift.names import RunNames
from local.dead_letters import read_dead_letters
from local.equality import differences, history_differences
from tests.support.live_run import LiveRun
from tests.support.odd_records import MAKERS, Place, odd_record

REFUSED_BY_THE_BROKER = ("microseconds", "greatest timestamp")  # it takes no timestamp beyond the next hour
COUNTED = (".input.rows", ".input.rejected", ".health.rejected_share", ".rules", ".reasons")
"""Where counted letters show in a document. Rules and reasons quote the share; the decision is compared."""

Sent = dict[tuple[int, int], set[str]]
"""(partition, offset) of a stranger's record → the reasons that may be given for it."""


@contextmanager
def frozen(run: LiveRun, station: str) -> Iterator[None]:
    pid = run.stations.supervisor.children[station].pid
    os.kill(pid, signal.SIGSTOP)
    time.sleep(0.5)  # what it had sent arrives
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def stand(kafka: str, topic: str, partition: int) -> Place:
    """The greatest row and time that the partition holds, and its manifest."""
    consumer = KafkaConsumer(bootstrap_servers=kafka, group_id=None)
    try:
        place = TopicPartition(topic, partition)
        consumer.assign([place])
        end = consumer.end_offsets([place])[place]
        consumer.seek(place, max(0, end - 500))
        row, reached, manifest = -1, -1, None
        while consumer.position(place) < end:
            for record in consumer.poll(500).get(place, []):
                if record.key is None:
                    mark = decode_control(record.value)
                    manifest, reached = mark.manifest, max(reached, mark.time)
                else:
                    row = max(row, msgspec.json.decode(record.value)["row"])
                    reached = max(reached, record.timestamp)
        assert manifest is not None
        return Place(row, reached, manifest)
    finally:
        consumer.close()


def odd_records(
    partition: int, partitions: int, place: Place
) -> Iterator[tuple[bytes | None, bytes | None, int, set[str]]]:
    """(key, value, time, possible reasons) of every odd record, and of a user's record on the other partition."""
    for name in MAKERS:
        if name not in REFUSED_BY_THE_BROKER:
            odd = odd_record(name, place)
            reasons = {odd.reason}
            if name in ("empty key", "key not UTF-8", "huge key"):
                reasons.add("no_such_row")  # between two slices the next row is not announced yet
            if odd.key and partition_of(odd.key, partitions) != partition:
                reasons.add("wrong_partition")  # a key is judged before the row
            yield odd.key, odd.value, odd.time, reasons
    stray = next(key for n in range(99) if partition_of(key := b"user_%06d" % n, partitions) != partition)
    value = msgspec.json.encode({"v": 1, "row": place.row + 1, "artist_id": "", "artist": "a"})
    yield stray, value, place.time, {"wrong_partition", "no_such_row"}


async def send_all(kafka: str, topic: str, places: list[Place]) -> Sent:
    """Every odd record to every partition."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka, max_request_size=8 << 20, max_batch_size=4 << 20)
    await producer.start()
    sent: Sent = {}
    try:
        for partition, place in enumerate(places):
            for key, value, time_ms, reasons in odd_records(partition, len(places), place):
                batch = producer.create_batch()  # `send` takes no record that has neither key nor value
                batch.append(key=key, value=value, timestamp=time_ms)
                batch.close()
                found = await (await producer.send_batch(batch, topic, partition=partition))
                sent[partition, found.offset] = reasons
        return sent
    finally:
        await producer.stop()


def send_odd_records(run: LiveRun, kafka: str, names: RunNames, partitions: int) -> Sent:
    """Every odd record to every partition, after the newest event of each: the producer is halted meanwhile."""
    with frozen(run, "producer"):
        places = [stand(kafka, names.events, partition) for partition in range(partitions)]
        return asyncio.run(send_all(kafka, names.events, places))


def assert_letters(kafka: str, names: RunNames, sent: Sent) -> Counter[str]:
    """The dead letters are the records that were `sent`, no other; how many of each reason."""
    letters = read_dead_letters(kafka, names)
    of_the_stream = {(letter["partition"], letter["offset"]): letter for letter in letters if "offset" in letter}
    others = {at: of_the_stream.get(at, "no letter") for at in of_the_stream.keys() ^ sent.keys()}
    assert not others, others
    wrong = {at: letter["reason"] for at, letter in of_the_stream.items() if letter["reason"] not in sent[at]}
    assert not wrong, wrong
    return Counter(letter["reason"] for letter in of_the_stream.values())


def assert_history_equal_but_for_letters(live: list[HistoryEntry], oracle: list[HistoryEntry]) -> None:
    """Every tick is the batch's, except that letters are counted."""
    places = [difference.partition(".")[2] for difference in history_differences(live, oracle)]
    assert [place for place in places if not f".{place}".startswith(COUNTED)] == []


def assert_equal_but_for(document: Document, oracle: Document, letters: Counter[str]) -> None:
    """Every number of the live document is the batch's, except that `letters` are counted."""
    counted = dict(Counter(oracle.input.rejected) + letters)
    assert document.input == replace(oracle.input, rows=oracle.input.rows + letters.total(), rejected=counted)
    found = list(differences(document, oracle))
    assert [difference for difference in found if not difference.startswith(COUNTED)] == []
