#!/usr/bin/env bash
# DuckDB 2.0.1: the median of 0.99 and 1.00 is 0.99.
#
# A literal such as 0.99 is a DECIMAL(3,2), and median and quantile_cont of a DECIMAL are a DECIMAL of the same scale: the interpolated
# value is cut off (not rounded) to as many places as the input has, while avg of the same column is a DOUBLE and right. So the median of
# prices in cents, or of a share that was read as DECIMAL, is off by up to one unit of the last place, always downwards. Cast to DOUBLE
# before every median or quantile.
#
# Seen on 2026-11-27, Python 3.11.7:
#   median 0.99 (DECIMAL(3,2)), quantile_cont 0.99, of DOUBLE 0.995, avg 0.995
#   median of 0.000 and 0.001: 0.000
#
# Exit code: 0 as described, 1 if the behaviour has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.1
"$folder/venv/bin/python" - <<'PYTHON'
import duckdb

query = """
    SELECT median(x)::VARCHAR, typeof(median(x)), quantile_cont(x, 0.5)::VARCHAR, median(x::DOUBLE), avg(x)
    FROM (VALUES (0.99), (1.00)) AS price(x)
"""
median, kind, quantile, double, mean = duckdb.sql(query).fetchall()[0]
print(f"median {median} ({kind}), quantile_cont {quantile}, of DOUBLE {double}, avg {mean}")
small = duckdb.sql("SELECT median(x)::VARCHAR FROM (VALUES (0.000), (0.001)) AS share(x)").fetchall()[0][0]
print(f"median of 0.000 and 0.001: {small}")
seen = (median, kind, quantile, double, mean, small)
raise SystemExit(0 if seen == ("0.99", "DECIMAL(3,2)", "0.99", 0.995, 0.995, "0.000") else 1)
PYTHON
