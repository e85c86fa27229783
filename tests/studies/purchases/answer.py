"""What the docs say a verdict on these orders has to count; plain Python, nothing of livelift."""

import json
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from zoneinfo import ZoneInfo

BERLIN, UTC = ZoneInfo("Europe/Berlin"), UTC
GAP, MINIMUM = timedelta(minutes=30), 3
NOT_BEFORE, BEFORE = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 12, 1, tzinfo=UTC)
START, END = datetime(2024, 10, 15, tzinfo=UTC), datetime(2024, 10, 29, tzinfo=UTC)
WAIT = timedelta(days=1)


def records(data):
    """RFC 4180 by hand: yields (raw bytes, columns as bytes, quoting is broken)."""
    at, n = 0, len(data)
    while at < n:
        begin, columns, broken = at, [], False
        while True:
            if data[at : at + 1] == b'"':
                at += 1
                value = b""
                while True:
                    close = data.find(b'"', at)
                    if close < 0:
                        value, at, broken = value + data[at:], n, True
                        break
                    value += data[at:close]
                    at = close + 1
                    if data[at : at + 1] != b'"':
                        break
                    value += b'"'
                    at += 1
                if at < n and data[at : at + 1] not in (b";", b"\r", b"\n"):
                    broken = True
                    while at < n and data[at : at + 1] not in (b";", b"\n"):
                        at += 1
            else:
                stop = at
                while stop < n and data[stop] not in b";\n":
                    stop += 1
                value, at = data[at:stop].rstrip(b"\r"), stop
            columns.append(value)
            if data[at : at + 1] == b";":
                at += 1
                continue
            if data[at : at + 1] == b"\r":
                at += 1
            raw = data[begin:at].rstrip(b"\r")
            at += 1
            break
        yield raw, columns, broken


def moment(text):
    try:
        local = datetime.strptime(text, "%d.%m.%Y %H:%M")
    except ValueError:
        return None
    utc = local.replace(tzinfo=BERLIN, fold=0).astimezone(UTC)
    if utc.astimezone(BERLIN).replace(tzinfo=None) != local:
        return None  # never was
    return utc


ABROAD = {"DE": "no", "FR": "yes", "AT": "yes"}  # countries.csv


def kinds(path):
    """customers.jsonl: customer → kind."""
    customers = [json.loads(line) for line in Path(path).with_name("customers.jsonl").read_text("utf-8").splitlines()]
    return {customer["customer"]["id"]: customer["kind"] or "unknown" for customer in customers}


def judge(columns, broken, raw, kind_of):
    try:
        raw.decode()
    except UnicodeDecodeError:
        return "encoding", None
    if broken:
        return "quoting", None
    if len(columns) != 6:
        return "columns", None
    user, time, amount, country, _, checkout = (c.decode() for c in columns)
    if not user:
        return "user", None
    utc = moment(time)
    if utc is None:
        return "date", None
    if not NOT_BEFORE <= utc < BEFORE:
        return "out_of_range", None
    try:
        cents = Decimal(amount) * 100
    except InvalidOperation:
        return "cents.type", None
    if cents != cents.to_integral_value():
        return "cents.type", None
    if cents < 0:
        return "cents.minimum", None
    if country not in ABROAD:
        return "abroad.lookup", None
    return None, (user, utc, int(cents), ABROAD[country] == "yes", kind_of.get(user, "unknown"), checkout)


def arms(events):
    """User → arm, of those of whom an order in the period names one: the first one counts."""
    named = {}
    for user, mine in events.items():
        of = [e[4] for e in sorted(mine, key=lambda e: e[0]) if START <= e[0] < END and e[4] in ("A", "B")]
        if of:
            named[user] = "control" if of[0] == "A" else "treatment"
    return named


def answer(path):
    with open(path, "rb") as file:
        data = file.read()
    rows, rejected, duplicates, seen, events = 0, Counter(), 0, set(), defaultdict(list)
    parsed, kind_of = records(data), kinds(path)
    next(parsed)  # the header is no row
    for raw, columns, broken in parsed:
        rows += 1
        reason, event = judge(columns, broken, raw, kind_of)
        if reason:
            rejected[reason] += 1
        elif raw in seen:
            duplicates += 1
        else:
            seen.add(raw)
            events[event[0]].append(event[1:])
    sessions = defaultdict(list)  # user → [first, last, revenue, orders, abroad, regulars]
    for user, mine in events.items():
        mine.sort(key=lambda e: e[0])
        for time, cents, abroad, kind, _ in mine:
            open_ = sessions[user][-1] if sessions[user] else None
            if not open_ or time - open_[1] > GAP:
                open_ = [time, time, 0, 0, 0, 0]
                sessions[user].append(open_)
            regulars = cents if kind in ("regular", "unknown") else 0
            open_[1:] = [time, open_[2] + cents, open_[3] + 1, open_[4] + abroad, open_[5] + regulars]
    arm = arms(events).get
    inside = {
        u: [s for s in of if START <= s[0] < END and s[1] + GAP < END + WAIT] for u, of in sessions.items() if arm(u)
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
            "unfinished": sum(START <= s[0] < END for u, of in sessions.items() if arm(u) for s in of)
            - sum(map(len, inside.values())),
            "one_event": sum(s[3] == 1 for of in inside.values() for s in of),
        },
    }
    for name in ("control", "treatment"):
        users = {u: of for u, of in inside.items() if len(of) >= MINIMUM and arm(u) == name}
        means = [sum(s[2] for s in of) / len(of) / 100 for of in users.values()]
        result[name] = {
            "users_exposed": sum(arm(u) == name and any(START <= e[0] < END for e in of) for u, of in events.items()),
            "users_included": len(users),
            "sessions": sum(map(len, users.values())),
            "events": sum(s[3] for of in users.values() for s in of),
            "mean_over_users": sum(means) / len(means),
            "mean_over_sessions": sum(s[2] for of in users.values() for s in of) / 100 / sum(map(len, users.values())),
            "metric:abroad": sum(sum(s[4] for s in of) / sum(s[3] for s in of) for of in users.values()) / len(users),
            "metric:regulars": sum(s[5] for of in users.values() for s in of) / 100 / sum(map(len, users.values())),
            "sessions_per_included_user": sum(map(len, users.values())) / len(users),
        }
    return result


if __name__ == "__main__":
    print(json.dumps(answer(sys.argv[1]), indent=1))
