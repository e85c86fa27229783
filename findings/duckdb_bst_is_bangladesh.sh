#!/usr/bin/env bash
# DuckDB 2.0.1: noon BST is six in the morning UTC, since BST is Bangladesh; PST has summer time, EST has none.
#
# A time zone's abbreviation in a text that is cast to TIMESTAMPTZ is looked up among ICU's short ids: BST is Asia/Dhaka (+06), not British
# summer time (+01); IST is India (+05:30), not Ireland or Israel; PST and CST are the *places* Los Angeles and Chicago, so in July they
# mean daylight time; EST alone is a fixed −05:00. Nothing is refused, and a log with British local times is five hours off for half of the
# year. Only offsets (+01:00) and full names (Europe/London) are safe.
#
# Seen on 2026-11-27, Python 3.11.7, 2026-07-01 12:00:00 in each zone, as UTC:
#   BST 06:00, IST 06:30, PST 19:00, CST 17:00, EST 17:00, Europe/London 11:00
#
# Exit code: 0 as described, 1 if the behaviour has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.1 pytz==2025.2
"$folder/venv/bin/python" - <<'PYTHON'
import duckdb

duckdb.sql("SET TimeZone = 'UTC'")
zones = ("BST", "IST", "PST", "CST", "EST", "Europe/London")
query = "SELECT strftime(('2026-07-01 12:00:00 ' || ?)::TIMESTAMPTZ, '%H:%M')"
found = {zone: duckdb.execute(query, [zone]).fetchone()[0] for zone in zones}
print(", ".join(f"{zone} {time}" for zone, time in found.items()))
raise SystemExit(0 if [*found.values()] == ["06:00", "06:30", "19:00", "17:00", "17:00", "11:00"] else 1)
PYTHON
