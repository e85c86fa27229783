"""Everything that strangers may write and everything that may happen to Redis, in one paced replay."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from batch.document import batch_document
from livelift.names import RunNames
from livelift.study import load_study
from local.demo import DemoPlan, RunOfStations
from local.run_folder import RunFolder
from local.servers import LocalServers, local_servers
from local.verdict_reader import read_history
from studies.lastfm import generator as lastfm_generator
from tests.chaos.servers import copy_of_redis, put_back
from tests.support.live_run import LiveRun
from tests.support.sent_odd_records import (
    Sent,
    assert_equal_but_for,
    assert_history_equal_but_for_letters,
    assert_letters,
    send_odd_records,
)

STUDY = load_study("lastfm")
PARTITIONS = 2
EVENTS = 90_000
SPEED = "140000x"  # the generated months in about 100 s
SETTINGS = {"LIVELIFT_FETCH_RECORDS": "2000", "LIVELIFT_SESSION_TIMEOUT": "6"}
FIRST = 8_000
"""Events before the first fault."""


class HitRun:
    """The run and its Redis, and what may happen to that one."""

    def __init__(self, run: LiveRun, servers: LocalServers, copies: Path) -> None:
        self.run = run
        self.names = RunNames("lastfm", run.stations.run.run)
        self.server = servers.redis
        self.client: Any = redis.Redis.from_url(servers.redis.admin_url)
        self._copies = copies
        self._accepted = FIRST

    def key(self, name: str) -> str:
        return self.names.key(name)

    def wait_until_it_goes_on(self) -> None:
        """Wait until more events are counted than before the last fault: stats has read the run again, where it had to."""
        self.run.stations.supervisor.look_after()
        document = self.run.wait_for(
            lambda document: document.input.accepted > self._accepted or document.progress.ended
        )
        keys = [self.key(name) for name in ("state", "sums", "ticks", "moments:skip_rate:control")]
        self.run.wait_for(lambda _: self.client.exists(*keys) == len(keys))
        self._accepted = document.input.accepted

    def lose(self, name: str) -> None:
        self.client.delete(self.key(name))

    def lose_a_row(self) -> None:
        self.client.hdel(self.key("sums"), next(iter(self.client.hkeys(self.key("sums")))))

    def lose_half_of_the_history(self) -> None:
        self.client.xtrim(self.key("ticks"), maxlen=self.client.xlen(self.key("ticks")) // 2, approximate=False)

    def add_a_tick(self) -> None:
        self.client.xadd(self.key("ticks"), {"json": "{}"})

    def change_while_stats_is_down(self, name: str, field: str, value: str) -> None:
        self.run.kill("stats")
        self.client.hset(self.key(name), field, value)

    def change_a_byte_of_the_sums(self) -> None:
        self.run.kill("stats")
        field, value = next(iter(self.client.hgetall(self.key("sums")).items()))
        self.client.hset(self.key("sums"), field, bytes([value[0] ^ 1]) + value[1:])

    def empty(self) -> None:
        self.client.flushall()

    def kill(self) -> None:
        self.server.kill()
        self.server.start()

    def freeze(self) -> None:
        self.server.freeze()
        time.sleep(3)
        self.server.thaw()

    def copy(self) -> None:
        copy_of_redis(self.server, self._copies)

    def put_back(self) -> None:
        self.server.kill()
        put_back(self.server, self._copies)
        self.server.start()

    def read_only(self) -> None:
        self.client.execute_command("REPLICAOF", "127.0.0.1", "1")
        time.sleep(2)
        self.client.execute_command("REPLICAOF", "NO", "ONE")

    def no_memory(self) -> None:
        self.client.config_set("maxmemory", "1")
        time.sleep(2)
        self.client.config_set("maxmemory", "0")

    def evict(self) -> None:
        self.client.config_set("maxmemory-policy", "allkeys-lru")
        self.client.config_set("maxmemory", "1")
        time.sleep(1)
        self.client.config_set("maxmemory", "0")
        self.client.config_set("maxmemory-policy", "noeviction")

    def busy(self) -> None:
        self.client.config_set("lua-time-limit", "50")
        script = "local t = redis.call('TIME')[1] + 3; while tonumber(redis.call('TIME')[1]) < t do end"
        working = threading.Thread(target=lambda: self.client.eval(script, 0))
        working.start()
        working.join(20)


REDIS_FAULTS: dict[str, Callable[[HitRun], object]] = {
    "copied": HitRun.copy,
    "sums lost": lambda hit: hit.lose("sums"),
    "read only": HitRun.read_only,
    "a moment changed": lambda hit: hit.change_while_stats_is_down("moments:session_duration:control", "mean", "1.0"),
    "frozen": HitRun.freeze,
    "a row lost": HitRun.lose_a_row,
    "no memory": HitRun.no_memory,
    "a byte of the sums changed": HitRun.change_a_byte_of_the_sums,
    "killed": HitRun.kill,
    "history halved": HitRun.lose_half_of_the_history,
    "a script of somebody's": HitRun.busy,
    "counters changed": lambda hit: hit.change_while_stats_is_down("state", "counters", "{}"),
    "put back": HitRun.put_back,
    "state lost": lambda hit: hit.lose("state"),
    "keys evicted": HitRun.evict,
    "one more tick": HitRun.add_a_tick,
    "emptied": HitRun.empty,
}


@pytest.fixture(scope="module")
def own_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServers]:
    """Servers that this test may kill."""
    with local_servers(tmp_path_factory.mktemp("hit")) as running:
        yield running


@pytest.mark.slow
def test_odd_records_and_redis_faults_change_only_the_letters(
    own_servers: LocalServers, folder: Path, tmp_path: Path
) -> None:
    data = tmp_path / "log.tsv"
    lastfm_generator.generate(data, events=EVENTS, users=300, lift=0.2, seed=6, study=STUDY)
    kafka = own_servers.kafka.address
    plan = DemoPlan(STUDY, data, PARTITIONS, speed=SPEED, settings=SETTINGS)
    with RunOfStations(RunFolder(folder), plan, kafka, own_servers.redis.url, servers=own_servers) as stations:
        run = LiveRun(stations, limit_seconds=240)
        hit = HitRun(run, own_servers, tmp_path / "copy")
        sent: Sent = {}
        for number, fault in enumerate(REDIS_FAULTS.values()):
            hit.wait_until_it_goes_on()
            if number in (1, 4, 7):
                sent |= send_odd_records(run, kafka, hit.names, PARTITIONS)
            fault(hit)
        document = run.end()
        assert all(child.poll() is None for name, child in stations.supervisor.children.items() if name != "producer")
        live = read_history(hit.client, "lastfm", stations.run.run)
    oracle, ticks = batch_document(data, STUDY)
    assert_equal_but_for(document, oracle, assert_letters(kafka, hit.names, sent))
    assert_history_equal_but_for_letters(live, ticks)
