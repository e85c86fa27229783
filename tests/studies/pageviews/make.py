"""Page views as Parquet; beside it the table of who was assigned to which page. Usage: make.py OUT"""

import hashlib
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

SALT = "start-page"


def treated(user):
    h = hashlib.sha256(f"{SALT}:{user}".encode()).digest()
    return int.from_bytes(h[:8], "big") % 100 >= 50


def page_of(user):
    if user % 29 == 1:
        return "beta"  # another experiment's
    return "new" if treated(user) else "old"


def main(out):
    rng = random.Random(7)
    rows = []
    for number in range(310):
        user = 9_000_000_000_000_000_000 + number if number % 50 == 7 else number if number % 3 else -number
        rate = rng.choice([0.04, 0.3, 0.6, 0.9])
        curious, wire = rng.lognormvariate(0, 0.3), rng.lognormvariate(0, 0.4)
        for day in range(20):  # 29 May … 17 June
            if rng.random() >= rate:
                continue
            t = datetime(2024, 5, 29, tzinfo=UTC) + timedelta(days=day, microseconds=rng.randrange(86_400_000_000))
            lift = 1.4 if treated(user) and day >= 5 else 1.0
            for _ in range(1 + int(rng.expovariate(1 / (4 * curious * lift)))):
                load = round(wire * rng.lognormvariate(5.5, 0.8), 1)
                rows.append(
                    (t, user, f"/p/{rng.randrange(40)}?q=ä", rng.choices([200, 304, 404, 500], [80, 10, 6, 4])[0], load)
                )
                t += timedelta(
                    microseconds=rng.choice(
                        [1_000_000, 25_000_000, 90_000_000, 600_000_000, 1_800_000_000, 1_800_001_000]
                    )
                )
    # sessions over the period's end: longer than the study waits, due just then, just before
    for user, last in ((70001, (18, 2)), (70002, (17, 23, 30)), (70003, (17, 23, 29, 59))):
        t, last = datetime(2024, 6, 16, 20, tzinfo=UTC), datetime(2024, 6, *last, tzinfo=UTC)
        while t <= last:
            rows.append((t, user, "/wall", 200, 50.5))
            t = min(t + timedelta(minutes=25), last) if t < last else t + timedelta(days=1)
        for day in (4, 6, 8):
            rows.append((datetime(2024, 6, day, tzinfo=UTC), user, "/wall", 200, 50.5))
    rows.sort(key=lambda r: (r[0], r[1]))
    noon = datetime(2024, 6, 10, 12, tzinfo=UTC)
    for p in [rng.randrange(len(rows)) for _ in range(20)]:
        rows.insert(rng.randrange(p + 1, len(rows) + 1), rows[p])
    for row in [
        (None, 5, "/", 200, 9.9),
        (noon, None, "/", 200, 9.9),
        (datetime(2024, 4, 30, 23, 59, 59, 999999, tzinfo=UTC), 5, "/", 200, 9.9),
        (datetime(2024, 7, 1, tzinfo=UTC), 5, "/", 200, 9.9),
        (datetime(2024, 5, 1, tzinfo=UTC), 5, "/", 200, 9.9),
        (noon, 5, "/", None, 9.9),
        (noon, 5, "/", 99, 9.9),
        (noon, 5, "/", 600, 9.9),
        (noon, 5, "/", 200, None),
        (noon, 5, "/", 200, float("nan")),
        (noon, 5, "/", 200, float("inf")),
        (noon, 5, "/", 200, -0.1),
        (noon, 5, "/", 200, 1e30),
        (noon, 5, "/", 200, 12.34),
        (noon, 5, None, 200, 9.9),
        (noon, 5, "", 200, 8.9),
        (noon, 5, "/big", 200, 123456.7),
        (noon, 5, "/zero", 200, 0.0),
    ]:
        rows.insert(rng.randrange(len(rows)), row)
    time, user, url, status, load = zip(*rows, strict=False)
    table = pa.table(
        {
            "viewed_at": pa.array(time, pa.timestamp("us", "UTC")),
            "user_id": pa.array(user, pa.int64()),
            "url": pa.array(url, pa.string()),
            "status": pa.array(status, pa.int16()),
            "load_ms": pa.array(load, pa.float32()),
        }
    )
    pq.write_table(table, out, row_group_size=4000)
    visitors = sorted({one for one in user if one is not None})
    lines = ["visitor,start_page", *(f"{one},{page_of(one)}" for one in visitors if one % 13)]  # some are not assigned
    Path(out).with_name("assignments.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
