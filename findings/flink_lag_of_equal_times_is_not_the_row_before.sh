#!/usr/bin/env bash
# apache-flink 2.2.1 (PyFlink, streaming mode, needs Java 11 or later): LAG over event time gives rows of one moment a wrong predecessor.
#
# `LAG(n) OVER (PARTITION BY who ORDER BY ts)` is expected to give each row the one before it. All rows of a moment are evaluated together, over
# everything up to and with that moment: each of them gets the last but one of these rows. So the first of two rows at the same time gets itself, and of
# three rows at the same time the first gets the second. No row is late or lost, and nothing is said. A sum over ROWS BETWEEN 1 PRECEDING AND
# CURRENT ROW, less the row's own value, is right for every row. With times in whole seconds this is common: gaps and counts made with LAG are wrong.
#
# Seen on 2026-11-28, Python 3.11.7, OpenJDK 17.0.15, for the rows 1 at 10:00:00, 2 and 3 at 10:00:40, 4 at 10:01:00:
#   LAG: 1 after None, 2 after 2, 3 after 2, 4 after 3
#   ROWS: 1 after 0, 2 after 1, 3 after 2, 4 after 3
#
# Exit code: 0 as described, 1 if the behaviour has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check apache-flink==2.2.1
cat >"$folder/plays.csv" <<'CSV'
a,1,2026-01-01 10:00:00
a,2,2026-01-01 10:00:40
a,3,2026-01-01 10:00:40
a,4,2026-01-01 10:01:00
CSV
cat >"$folder/lag.py" <<'PYTHON'
import sys

from pyflink.table import EnvironmentSettings, TableEnvironment

tables = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
tables.get_config().set("parallelism.default", "1")
tables.execute_sql(f"""
    CREATE TABLE plays (who STRING, n INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '0.001' SECOND)
    WITH ('connector' = 'filesystem', 'path' = 'file://{sys.argv[1]}', 'format' = 'csv')""")
over = "OVER (PARTITION BY who ORDER BY ts"
for name, before in (
    ("LAG", f"LAG(n) {over})"),
    ("ROWS", f"SUM(n) {over} ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) - n"),
):
    with tables.execute_sql(f"SELECT n, {before} FROM plays").collect() as rows:
        print(f"{name}: " + ", ".join(f"{n} after {b}" for n, b in sorted((tuple(row) for row in rows), key=lambda row: row[0])))
PYTHON
found=$("$folder/venv/bin/python" "$folder/lag.py" "$folder/plays.csv" 2>/dev/null)
expected="LAG: 1 after None, 2 after 2, 3 after 2, 4 after 3
ROWS: 1 after 0, 2 after 1, 3 after 2, 4 after 3"
echo "$found"
[[ $found == "$expected" ]]
