"""Settings, pace, partitions and compression of the producer."""

import random
from pathlib import Path
from typing import Any

import pytest
from aiokafka import codec
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder
from kafka.partitioner.default import murmur2

from broker.connecting import LZ4_LEVEL, compress_quickly
from livelift.errors import SettingsError
from livelift.event_time import from_iso
from producer.pacing import Pacer, parse_speed
from producer.partitioner import Partitioner
from producer.settings import ProducerSettings, from_environment


@pytest.mark.parametrize(("text", "speed"), [("max", None), ("1x", 1.0), ("600x", 600.0), ("0.5x", 0.5), ("007x", 7.0)])
def test_a_speed_is_max_or_a_multiple_of_real_time(text: str, speed: float | None) -> None:
    assert parse_speed(text) == speed


@pytest.mark.parametrize(
    "text",
    [
        "-3x",
        "0x",
        "0.0x",
        "fast",
        "",
        "x",
        "600",
        "1e3x",
        "nanx",
        "infx",
        " 1x",
        "1x ",
        "1X",
        "+1x",
        "٣x",
        "9" * 400 + "x",
    ],
)
def test_any_other_speed_is_refused_with_the_forms_that_work(text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_speed(text)
    assert "600x" in refused.value.fix


@pytest.mark.parametrize("speed", [0.5, 1.0, 600.0, 1_200_000.0])
def test_what_is_due_and_what_time_it_is_agree(speed: float) -> None:
    pacer = Pacer(speed, 5_000, 100.0)
    for time in (5_000, 6_000, 65_000, 5_000 + 86_400_000):
        due = 100.0 + pacer.wait(time, 100.0)
        assert due == pytest.approx(100.0 + (time - 5_000) / 1000 / speed)
        assert pacer.event_time(due - 1e-3) < time or time == 5_000
        assert pacer.event_time(due + 1e-3) >= time
    assert pacer.wait(4_000, 100.0) == 0.0


# Of Kafka's own test of its hash (UtilsTest.java): signed 32 bits.
KAFKA_HASHES = {
    "21": -973932308,
    "foobar": -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    "abc": 479470107,
}


def test_a_user_goes_where_kafkas_default_partitioner_sends_it() -> None:
    for user, hashed in KAFKA_HASHES.items():
        assert Partitioner(1009)[user] == (hashed & 0x7FFFFFFF) % 1009
    chance = random.Random(1)
    for partitions in (1, 2, 7, 64):
        ours, theirs = Partitioner(partitions), DefaultPartitioner()
        for _ in range(300):
            user = "".join(chance.choices("aé\x00東😀z", k=chance.randrange(1, 30)))
            assert ours[user] == theirs(user.encode(), list(range(partitions)), list(range(partitions)))
            assert ours[user] == (murmur2(user.encode()) & 0x7FFFFFFF) % partitions


def test_batches_are_compressed_at_the_quick_level() -> None:
    compress_quickly()
    batch = BatchBuilder(1 << 20, 3)
    plain = BatchBuilder(1 << 20, 0)
    for i in range(3000):
        for builder in (batch, plain):
            builder.append(timestamp=i, key=b"u%d" % (i * 7919 % 97), value=b'{"row":%d,"x":"%d"}' % (i, i * i % 10007))
    header = 61  # of a record batch
    body = bytes(plain._build()[header:])
    compressed = bytes(batch._build()[header:])
    assert compressed == codec.lz4_encode(body, level=LZ4_LEVEL) != codec.lz4_encode(body)
    assert codec.lz4_decode(compressed) == body


ENVIRONMENT = {"LIVELIFT_RUN": "r1"}


def settings(**more: str) -> ProducerSettings:
    return from_environment(ENVIRONMENT | more)


def test_settings_have_defaults_but_for_the_run() -> None:
    plain = settings()
    assert (plain.kafka, plain.study, plain.run) == ("127.0.0.1:9092", "lastfm", "r1")
    assert (plain.data, plain.cache, plain.partitions) == (Path("data/raw"), Path(".livelift/cache"), 4)
    assert (plain.speed, plain.select_from, plain.select_to) == (None, None, None)
    with pytest.raises(SettingsError, match="LIVELIFT_RUN"):
        from_environment({})


def test_settings_are_read_from_the_environment() -> None:
    given: Any = settings(
        LIVELIFT_KAFKA="kafka:9092", LIVELIFT_DATA="a.tsv", LIVELIFT_PARTITIONS="12", LIVELIFT_SPEED="60x",
        LIVELIFT_FROM="2009-03-01", LIVELIFT_TO="2009-05-01T12:00:00Z", LIVELIFT_CACHE="/c",
    )  # fmt: skip
    assert given == ProducerSettings(
        "kafka:9092", "lastfm", "r1", Path("a.tsv"), Path("/c"), 12, 60.0, from_iso("2009-03-01"),
        from_iso("2009-05-01T12:00:00Z"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("LIVELIFT_PARTITIONS", text) for text in ("0", "-1", "two", "1.5", "inf", "nan", "257", "9999999999")),
        *(("LIVELIFT_RUN", text) for text in ("a b", "a/b", "ä", "r" * 65)),
        ("LIVELIFT_SPEED", "fast"),
        ("LIVELIFT_FROM", "yesterday"),
        ("LIVELIFT_TO", "2009-02-30"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused(name: str, text: str) -> None:
    with pytest.raises(SettingsError):
        settings(**{name: text})


def test_a_selection_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(SettingsError, match="LIVELIFT_FROM is not before LIVELIFT_TO"):
        settings(LIVELIFT_FROM="2009-05-01", LIVELIFT_TO="2009-05-01")
