#!/usr/bin/env bash
# DuckDB 2.0.0: a local time that the clocks showed twice is the later moment, and one that they never showed moves on by an hour, without a
# word. Python's zoneinfo gives the earlier moment, and pyarrow asks.
#
# timezone('Europe/Berlin', TIMESTAMP '2009-10-25 02:30:00') is 01:30 UTC (winter time). zoneinfo's default (fold = 0) is the first of the
# two, 00:30 UTC; pyarrow's assume_timezone raises unless told "earliest" or "latest". Of a log with local times, joined from two tools,
# the events of that hour are an hour apart: with a session gap of 30 minutes each session there is cut in two. For 02:30 on
# 2009-03-29, an hour that never was, DuckDB gives 01:30 UTC, which is shown as 03:30, without an error.
#
# Seen on 2026-11-27, Python 3.11.7, pyarrow 26.0.1:
#   twice:  duckdb 01:30, zoneinfo 00:30, pyarrow raises, pyarrow earliest 00:30
#   never:  duckdb 01:30, shown again as 03:30; pyarrow raises
#
# Exit code: 0 as described, 1 if the behaviour has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.0 pyarrow==26.0.1 tzdata==2026.6
"$folder/venv/bin/python" - <<'PYTHON'
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

TWICE, NEVER = datetime(2009, 10, 25, 2, 30), datetime(2009, 3, 29, 2, 30)
BERLIN = "Europe/Berlin"


def by_duckdb(local):
    query = "SELECT strftime(timezone('UTC', timezone($zone, $local::TIMESTAMP)), '%H:%M'), strftime(timezone($zone, timezone($zone, $local::TIMESTAMP)), '%H:%M')"
    return duckdb.execute(query, {"zone": BERLIN, "local": local}).fetchone()


def by_arrow(local, **how):
    try:
        return pc.assume_timezone(pa.array([local]), BERLIN, **how).cast(pa.timestamp("us", "UTC"))[0].as_py().strftime("%H:%M")
    except pa.ArrowInvalid:
        return "raises"


zoneinfo = TWICE.replace(tzinfo=ZoneInfo(BERLIN)).astimezone(UTC).strftime("%H:%M")
twice, _ = by_duckdb(TWICE)
never, again = by_duckdb(NEVER)
strict, earliest, of_never = by_arrow(TWICE), by_arrow(TWICE, ambiguous="earliest"), by_arrow(NEVER)
print(f"twice:  duckdb {twice}, zoneinfo {zoneinfo}, pyarrow {strict}, pyarrow earliest {earliest}")
print(f"never:  duckdb {never}, shown again as {again}; pyarrow {of_never}")
seen = (twice, zoneinfo, strict, earliest, never, again, of_never)
raise SystemExit(0 if seen == ("01:30", "00:30", "raises", "00:30", "01:30", "03:30", "raises") else 1)
PYTHON
