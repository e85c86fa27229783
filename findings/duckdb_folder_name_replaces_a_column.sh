#!/usr/bin/env bash
# DuckDB 2.0.0: a Parquet file's own column is replaced by the name of the folder in which the file lies.
#
# hive_partitioning is detected from the path, also where one single file is named and nothing is partitioned: in a folder called
# `user=export` (somebody's naming, or what a download tool made of a URL's query) the column `user` of the file is not read; every row has
# the folder's text. Nothing is said: the file's schema lists the column, the result has it too, under its own name, with other values. Of
# an A/B log this makes one user of all. hive_partitioning = false gives the file. pyarrow.parquet's ParquetFile reads the file in either
# place.
#
# Seen on 2026-11-27, Python 3.11.7, pyarrow 26.0.1:
#   duckdb, plain folder:       ['anna', 'ben', 'cleo']
#   duckdb, user=export:        ['export', 'export', 'export']
#   duckdb, told not to look:   ['anna', 'ben', 'cleo']
#   pyarrow, user=export:       ['anna', 'ben', 'cleo']
#
# Exit code: 0 as described, 1 if the behaviour has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.0 pyarrow==26.0.1
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import os

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

table = pa.table({"user": ["anna", "ben", "cleo"], "amount": [1, 2, 3]})
for folder in ("plain", "user=export"):
    os.mkdir(folder)
    pq.write_table(table, f"{folder}/log.parquet")


def users(file, more=""):
    return [user for (user,) in duckdb.execute(f"SELECT user FROM read_parquet('{file}'{more}) ORDER BY amount").fetchall()]


plain, inside = users("plain/log.parquet"), users("user=export/log.parquet")
told = users("user=export/log.parquet", ", hive_partitioning = false")
arrow = pq.ParquetFile("user=export/log.parquet").read()["user"].to_pylist()
print(f"duckdb, plain folder:       {plain}")
print(f"duckdb, user=export:        {inside}")
print(f"duckdb, told not to look:   {told}")
print(f"pyarrow, user=export:       {arrow}")
names = ["anna", "ben", "cleo"]
raise SystemExit(0 if (plain, inside, told, arrow) == (names, ["export"] * 3, names, names) else 1)
PYTHON
