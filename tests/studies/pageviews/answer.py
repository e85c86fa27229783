"""What the docs say a verdict on these page views has to count; plain Python and pyarrow, nothing of livelift."""

import csv
import json
import math
import struct
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

UTC = UTC
MINIMUM = 2
GAP = 1800 * 1000  # times in milliseconds: a fraction is cut to them


def ms(*date):
    return int(datetime(*date, tzinfo=UTC).timestamp()) * 1000


NOT_BEFORE, BEFORE, START, END = ms(2024, 5, 1), ms(2024, 7, 1), ms(2024, 6, 3), ms(2024, 6, 17)
WAIT = 24 * 3600 * 1000


def tenths(value):
    """A 32-bit float as the shortest decimal that is this float; None: not a whole number of tenths."""
    if value is None or not math.isfinite(value):
        return None
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if struct.pack("<f", float(text)) == struct.pack("<f", value):
            break
    number = Decimal(text) * 10
    if number != number.to_integral_value() or abs(number) > 10**12:
        return None
    return int(number)


def judge(user, us, url, status, load):
    if user is None:
        return "user", None
    if us is None:
        return "date", None
    time = us // 1000
    if not NOT_BEFORE <= time < BEFORE:
        return "out_of_range", None
    load = tenths(load)
    # the docs do not say whose rule is first where a row breaks those of two fields; none does here
    if status is None:
        return "status.type", None
    if load is None:
        return "load.type", None
    if status < 100:
        return "status.minimum", None
    if status > 599:
        return "status.maximum", None
    if load < 0:
        return "load.minimum", None
    return None, (time, str(user), url or "", status, load)


def arms(path):
    """User → arm, of those whom the table beside the file assigns to one of the two."""
    with open(Path(path).with_name("assignments.csv"), encoding="utf-8") as file:
        pages = {row["visitor"]: row["start_page"] for row in csv.DictReader(file)}
    named = {"old": "control", "new": "treatment"}
    return {user: named[page] for user, page in pages.items() if page in named}


def measured(session):
    loads = [e[4] for e in session]
    return {
        "pages": len(session),
        "load": sum(loads),
        "slowest": max(loads),
        "quickest": min(loads),
        "first_load": loads[0],
        "last_load": loads[-1],
        "errors": sum(e[3] >= 500 for e in session),
        "good": sum(200 <= e[3] < 400 for e in session),
        "urls": len({e[2] for e in session}),
    }


def answer(path):
    table = pq.read_table(path)
    columns = [table["user_id"], table["viewed_at"].cast(pa.int64()), table["url"], table["status"], table["load_ms"]]
    rows, rejected, duplicates, seen, events = 0, Counter(), 0, set(), defaultdict(list)
    for row in zip(*(c.to_pylist() for c in columns), strict=False):
        rows += 1
        reason, event = judge(*row)
        if reason:
            rejected[reason] += 1
        elif row in seen:
            duplicates += 1
        else:
            seen.add(row)
            events[event[1]].append(event)
    arm = arms(path).get
    sessions = {}
    for user, mine in events.items():
        mine.sort(key=lambda e: e[0])
        of = sessions[user] = [[mine[0]]]
        for event in mine[1:]:
            if event[0] - of[-1][-1][0] <= GAP:
                of[-1].append(event)
            else:
                of.append([event])
    inside = {
        u: [s for s in of if START <= s[0][0] < END and s[-1][0] + GAP < END + WAIT]
        for u, of in sessions.items()
        if arm(u)
    }
    result = {
        "rows": rows,
        "accepted": sum(map(len, events.values())),
        "rejected": dict(sorted(rejected.items())),
        "duplicates": duplicates,
        "users_in_both": 0,
        "sessions": {
            "all": sum(map(len, sessions.values())),
            "in_period": sum(map(len, inside.values())),
            "unfinished": sum(START <= s[0][0] < END for u, of in sessions.items() if arm(u) for s in of)
            - sum(map(len, inside.values())),
            "one_event": sum(len(s) == 1 for of in inside.values() for s in of),
        },
    }
    for name in ("control", "treatment"):
        users = {u: [measured(s) for s in of] for u, of in inside.items() if len(of) >= MINIMUM and arm(u) == name}
        each = [m for of in users.values() for m in of]

        def by_user(key, users=users):
            return sum(sum(m[key] for m in of) / len(of) for of in users.values()) / len(users)

        def ratio(key, per, users=users):  # who has none of `per` has no value, say I
            sums = [(sum(m[key] for m in of), sum(m[per] for m in of)) for of in users.values()]
            values = [a / b for a, b in sums if b]
            return sum(values) / len(values)

        result[name] = {
            "users_exposed": sum(arm(u) == name and any(START <= e[0] < END for e in of) for u, of in events.items()),
            "users_included": len(users),
            "sessions": len(each),
            "events": sum(m["pages"] for m in each),
            "mean_over_users": by_user("pages"),
            "mean_over_sessions": sum(m["pages"] for m in each) / len(each),
            "metric:load_time": ratio("load", "pages") / 10,
            "metric:errors": ratio("errors", "good"),
            "metric:urls": sum(m["urls"] for m in each) / len(each),
            **{
                f"metric:{k}": sum(m[k] for m in each) / len(each) / 10
                for k in ("slowest", "quickest", "first_load", "last_load")
            },
        }
    return result


if __name__ == "__main__":
    print(json.dumps(answer(sys.argv[1]), indent=1))
