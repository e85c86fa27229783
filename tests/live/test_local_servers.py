"""A real Kafka and a real Redis: what they have answered for survives kill -9, and no start leaves anything behind."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from redis.backoff import NoBackoff
from redis.retry import Retry

from livelift.errors import ResourceError
from local.kafka_server import KafkaServer
from local.ports import HOST
from local.redis_server import RedisServer
from local.servers import local_servers
from tests.support.ends import has_ended

NEVER = Retry(NoBackoff(), 0)

PARENT = """
import sys, time
from pathlib import Path
from local.servers import local_servers
with local_servers(Path(sys.argv[1])) as servers:
    print(servers.kafka.process.pid, servers.redis.process.pid, flush=True)
    time.sleep(600)
"""


def produce(address: str, topic: str, value: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=address, acks="all")
    producer.send(topic, value).get(10)
    producer.close()


def records(address: str, topic: str, count: int) -> list[bytes]:
    """The values of partition 0 from the start, `count` of them at most, fewer if no more come within 10 s."""
    consumer = KafkaConsumer(bootstrap_servers=address, consumer_timeout_ms=10_000)
    consumer.assign([TopicPartition(topic, 0)])
    consumer.seek_to_beginning()
    values = [record.value for _, record in zip(range(count), consumer, strict=False)]
    consumer.close()
    return values


@pytest.mark.slow
def test_kafka_after_kill_9_has_its_records_at_the_same_address(tmp_path: Path) -> None:
    with KafkaServer(tmp_path / "a folder, with ü") as kafka:
        address = kafka.address
        admin = KafkaAdminClient(bootstrap_servers=address)
        admin.create_topics([NewTopic("events", 1, 1)])
        admin.close()
        produce(address, "events", b"before the kill")

        kafka.kill()
        kafka.start()
        assert kafka.address == address
        produce(address, "events", b"after the kill")
        assert records(address, "events", 2) == [b"before the kill", b"after the kill"]

        kafka.stop()
        kafka.start()
        assert records(address, "events", 2) == [b"before the kill", b"after the kill"]


def test_redis_killed_with_9_still_has_what_it_answered_for(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "a folder, with ü", password='a "b" \\ ü') as server:
        client = redis.Redis.from_url(server.url)
        for n in range(1_000):
            client.set(f"key{n}", n)
        server.kill()
        server.start()
        assert client.dbsize() == 1_000
        assert client.get("key999") == b"999"
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(host=HOST, port=server.port, retry=NEVER).ping()


@pytest.mark.parametrize("server", [KafkaServer, RedisServer])
def test_a_chosen_port_in_use_is_an_error_that_names_it(
    tmp_path: Path, server: type[KafkaServer] | type[RedisServer]
) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ResourceError, match=f"port {port} is in use"):
            server(tmp_path, port).start()


@pytest.mark.parametrize("server", [KafkaServer, RedisServer])
def test_a_chosen_port_taken_at_the_last_moment_is_changed(
    tmp_path: Path, server: type[KafkaServer] | type[RedisServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The port was free when we chose it."""
    monkeypatch.setattr("local.server.is_free", lambda port: True)  # the moment: after we looked
    ours = server(tmp_path)
    first = ours.port
    with socket.create_server((HOST, first)), ours:
        assert ours.port != first


def test_a_server_that_cannot_start_says_why_in_its_log_s_words(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        redis.Redis.from_url(server.url).set("key", "value")
    (tmp_path / "appendonly.aof").write_bytes(b"damaged")
    with pytest.raises(ResourceError, match="Redis ended with exit code 1 while it started") as failure:
        server.start()
    assert "Bad file format" in failure.value.what
    assert str(server.log) in failure.value.fix


def test_a_second_start_of_a_running_server_changes_nothing(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        pid = server.process.pid
        server.start()
        assert server.process.pid == pid


def test_a_frozen_server_answers_nobody_until_it_is_thawed(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        server.freeze()
        with pytest.raises(redis.TimeoutError):
            redis.Redis.from_url(server.url, socket_timeout=0.3, retry=NEVER).ping()
        server.thaw()
        assert redis.Redis.from_url(server.url, socket_timeout=5).ping()


@pytest.mark.slow
def test_servers_end_with_their_block_and_with_a_killed_parent(tmp_path: Path) -> None:
    """The parent is killed by SIGKILL."""
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2
        parent.send_signal(signal.SIGKILL)
    assert all(has_ended(pid) for pid in pids)

    with local_servers(tmp_path) as servers:  # and what they held is free for the next
        pids = [servers.kafka.process.pid, servers.redis.process.pid]
        assert servers.kafka.is_running
        assert servers.redis.is_running
    assert all(has_ended(pid) for pid in pids)
