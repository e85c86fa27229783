#!/usr/bin/env bash
# Quix Streams 3.28.0: a session window with a gap of 30 minutes and no grace closes after an hour of silence.
#
# An event is late only once it is older than watermark − gap, even with grace_ms=0, so a session has to stay open for twice the gap: sessions
# come out one gap later than in Bytewax, Flink or Kafka Streams for the same setting, and events up to a whole gap out of order still join,
# even bridge two sessions that were 50 minutes apart. "No grace" therefore means half an hour of grace. Counts per session differ
# from other engines' on the same disordered input.
#
# The library's own operator is driven directly, on its own RocksDB store, so no broker is needed.
#
# Seen on 2026-11-27, Python 3.11.7, minutes in, (closed at, its events) out:
#   0 31 59 60 60.001: (60.001, [0])
#   0 50 25 200: (200, [0, 25, 50])
#
# Exit code: 0 as described, 1 if the behaviour has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check quixstreams==3.28.0
cd "$folder"
venv/bin/python - 2>/dev/null <<'PYTHON'
from unittest.mock import Mock

from quixstreams.dataframe.windows.definitions import SessionWindowDefinition
from quixstreams.state.rocksdb.windowed.store import WindowedRocksDBStore

BEGIN = 1_235_980_800_000


def closed(name, *minutes):
    partition = WindowedRocksDBStore(name, "events", "state").assign_partition(0)
    window = SessionWindowDefinition(30 * 60_000, grace_ms=0, dataframe=Mock(), name=name).collect()
    found = []
    for minute in minutes:
        with partition.begin() as transaction:
            _, expired = window.process_window(minute, b"user", BEGIN + round(minute * 60_000), None, transaction)
            found += [(minute, sorted(result["value"])) for _, result in expired]
    return found


slow, bridge = closed("slow", 0, 31, 59, 60, 60.001), closed("bridge", 0, 50, 25, 200)
print("0 31 59 60 60.001:", *slow)
print("0 50 25 200:", *bridge)
raise SystemExit(0 if slow == [(60.001, [0])] and bridge == [(200, [0, 25, 50])] else 1)
PYTHON
