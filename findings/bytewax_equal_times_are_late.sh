#!/usr/bin/env bash
# Bytewax 0.21.1: two events of one key with the same timestamp, and the second one is late.
#
# EventClock's watermark is "greatest event time, plus the wall time since it was seen". With wait_for_system_duration=0 (told to wait for
# nothing, on input that is in order) an event that carries exactly its predecessor's time comes microseconds too late and goes to the
# `late` stream, which a flow need not connect: it is then gone without a word. Listening, click and bank logs are full of equal seconds.
# Whether it happens depends on how the source cuts its batches: events of one batch are judged together.
#
# Seen on 2026-11-27, Python 3.11.7:
#   batches of 1:  kept [0, 5], late [0, 0, 5, 5]
#   batches of 10: kept [0, 0, 0, 5, 5, 5], late []
#   batches of 1, wait 1 s: kept [0, 0, 0, 5, 5, 5], late []
#
# Exit code: 0 as described, 1 if the behaviour has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check bytewax==0.21.1
"$folder/venv/bin/python" - <<'PYTHON'
from datetime import UTC, datetime, timedelta

import bytewax.operators as op
import bytewax.operators.windowing as windowing
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource, run_main

BEGIN = datetime(2009, 3, 2, 8, tzinfo=UTC)


def run(batch, wait):
    events = [("user", BEGIN + timedelta(minutes=minute)) for minute in (0, 0, 0, 5, 5, 5)]
    flow = Dataflow("sessions")
    stream = op.input("events", flow, TestingSource(events, batch_size=batch))
    clock = windowing.EventClock(lambda time: time, wait_for_system_duration=timedelta(seconds=wait))
    windows = windowing.collect_window("s", stream, clock, windowing.SessionWindower(gap=timedelta(minutes=30)))
    kept, late = [], []
    op.output("kept", windows.down, TestingSink(kept))
    op.output("late", windows.late, TestingSink(late))
    run_main(flow)
    minute = lambda time: int((time - BEGIN).total_seconds() // 60)
    return [minute(time) for _, (_, times) in kept for time in times], [minute(time) for _, (_, time) in late]


one, ten, waits = run(1, 0), run(10, 0), run(1, 1)
print(f"batches of 1:  kept {one[0]}, late {one[1]}")
print(f"batches of 10: kept {ten[0]}, late {ten[1]}")
print(f"batches of 1, wait 1 s: kept {waits[0]}, late {waits[1]}")
every = [0, 0, 0, 5, 5, 5]
raise SystemExit(0 if (one, ten, waits) == (([0, 5], [0, 0, 5, 5]), (every, []), (every, [])) else 1)
PYTHON
