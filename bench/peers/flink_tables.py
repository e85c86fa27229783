"""What the programs on Flink SQL share: tables over both topics, on a cluster of one task inside this process.

State lies on the heap, with a checkpoint every ten seconds. `PROGRAM CONNECTOR`: the jar of Flink's connector to Kafka.
"""

import os
import sys
from pathlib import Path

from pyflink.table import EnvironmentSettings, TableEnvironment

GAP_MS = int(os.environ["GAP_MS"])
GAP = f"INTERVAL '{GAP_MS // 1000}' SECOND({len(str(GAP_MS // 1000))})"

# The connector puts an ascending watermark on each partition; without the millisecond, an event at its predecessor's very
# time could come late. Control marks have no key: they move the watermark and are left out after it.
EVENTS = """
CREATE TABLE events (
    `user` STRING, {fields},
    moment TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
    WATERMARK FOR moment AS moment - INTERVAL '0.001' SECOND
) WITH (
    'connector' = 'kafka', 'topic' = '{topic}',
    'properties.bootstrap.servers' = '{broker}', 'properties.group.id' = '{group}',
    'scan.startup.mode' = 'earliest-offset',
    'key.format' = 'raw', 'key.fields' = 'user', 'value.format' = 'json', 'value.fields-include' = 'EXCEPT_KEY'
)"""

CLOSED = """
CREATE TABLE closed (
    `user` STRING, `start` BIGINT, `end` BIGINT, seconds BIGINT, {measures}
) WITH (
    'connector' = 'kafka', 'topic' = '{topic}', 'properties.bootstrap.servers' = '{broker}',
    'key.format' = 'raw', 'key.fields' = 'user', 'value.format' = 'json'
)"""


def run(fields: str, measures: str, query: str) -> None:
    """Write what `query` finds in table `events`, with these columns, to table `closed`."""
    settings = {
        "pipeline.jars": Path(sys.argv[1]).as_uri(),
        "pipeline.object-reuse": "true",
        "parallelism.default": "1",
        "execution.checkpointing.interval": "10 s",
        "execution.checkpointing.dir": Path(os.environ["DATA"], "checkpoints").resolve().as_uri(),
        "table.local-time-zone": "UTC",
    }
    tables = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    for name, value in settings.items():
        tables.get_config().set(name, value)
    broker, group = os.environ["BROKER"], os.environ["APPLICATION"]
    tables.execute_sql(EVENTS.format(fields=fields, topic=os.environ["EVENTS"], broker=broker, group=group))
    tables.execute_sql(CLOSED.format(measures=measures, topic=os.environ["OUTPUT"], broker=broker))
    tables.execute_sql(f"INSERT INTO closed {query}").wait()
