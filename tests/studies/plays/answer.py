"""What the docs say a verdict on this listening history has to count; plain Python, nothing of livelift."""

import gzip
import hashlib
import itertools
import json
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

UTC = UTC
SALT, GAP, MINIMUM = "radio-mode", timedelta(minutes=30), 3
NOT_BEFORE, BEFORE = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
START, END, WAIT = datetime(2024, 3, 11, tzinfo=UTC), datetime(2024, 3, 25, tzinfo=UTC), timedelta(days=1)
HOUR10 = 36_000_000


def strict(line):
    def no(name):
        raise ValueError(name)

    return json.loads(line, parse_constant=no)


def text(value, default):
    """A field of type text; None: an object or a list."""
    if value is None or value == "":
        return default
    if isinstance(value, bool):
        return "true" if value else "false"  # the docs do not say so
    if isinstance(value, (dict, list)):
        return None
    return str(value)


def judge(raw):
    try:
        line = raw.decode()
    except UnicodeDecodeError:
        return "encoding", None
    try:
        row = strict(line)
    except ValueError:
        return "json", None
    if not isinstance(row, dict):
        return "json", None
    user = row.get("username")
    if not user:
        return "user", None
    try:
        time = datetime.strptime(row.get("ts") or "", "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return "date", None
    if not NOT_BEFORE <= time < BEFORE:
        return "out_of_range", None
    ms = row.get("ms_played")
    if isinstance(ms, bool) or not isinstance(ms, int):
        return "ms_played.type", None
    fields = {}
    for field, column, default in (
        ("artist", "master_metadata_album_artist_name", ""),
        ("track", "master_metadata_track_name", ""),
        ("reason_end", "reason_end", "unknown"),
        ("skipped", "skipped", "false"),
        ("shuffle", "shuffle", ""),
        ("offline", "offline", "false"),
    ):
        fields[field] = text(row.get(column), default)
        if fields[field] is None:
            return f"{field}.type", None
    if ms < 0:
        return "ms_played.minimum", None
    if ms > HOUR10:
        return "ms_played.maximum", None
    if fields["offline"] not in ("true", "false"):
        return "offline.values", None
    return None, (time, user, ms, fields, text(row.get("play_id"), None))


def arm(user):
    number = int.from_bytes(hashlib.sha256(f"{SALT}:{user}".encode()).digest()[:8], "big")
    return "control" if number % 100 < 50 else "treatment"


def measured(session):
    times = [e[0] for e in session]
    return {
        "plays": len(session),
        "listened": sum(e[2] for e in session),
        "skips": sum(e[3]["skipped"] == "true" for e in session),
        "forward": sum(e[3]["reason_end"] in ("fwdbtn", "backbtn") for e in session),
        "short": sum(e[2] < 30000 for e in session),
        "quick": sum(b - a < timedelta(seconds=30) for a, b in itertools.pairwise(times)),
        # the docs do not say so, but an empty text is a value of `distinct` too
        "artists": len({e[3]["artist"] for e in session}),
    }


def answer(folder):
    rows, rejected, duplicates, seen, events = 0, Counter(), 0, set(), defaultdict(list)
    for path in sorted(Path(folder).iterdir()):
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            for raw in file:
                raw = raw.rstrip(b"\r\n")
                rows += 1
                reason, event = judge(raw)
                if reason:
                    rejected[reason] += 1
                elif raw in seen or event[4] in seen:
                    duplicates += 1
                else:
                    seen |= {raw} | ({event[4]} if event[4] is not None else set())
                    events[event[1]].append(event)
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
        u: [s for s in of if START <= s[0][0] < END and s[-1][0] + GAP < END + WAIT] for u, of in sessions.items()
    }
    result = {
        "rows": rows,
        "accepted": sum(map(len, events.values())),
        "rejected": dict(sorted(rejected.items())),
        "duplicates": duplicates,
        "sessions": {
            "all": sum(map(len, sessions.values())),
            "in_period": sum(map(len, inside.values())),
            "unfinished": sum(START <= s[0][0] < END for of in sessions.values() for s in of)
            - sum(map(len, inside.values())),
            "one_event": sum(len(s) == 1 for of in inside.values() for s in of),
        },
    }
    for name in ("control", "treatment"):
        users = {u: [measured(s) for s in of] for u, of in inside.items() if len(of) >= MINIMUM and arm(u) == name}
        each = [m for of in users.values() for m in of]
        means = [sum(m["listened"] for m in of) / len(of) / 1000 for of in users.values()]

        returns = []  # included users: of the active days whose next day is in the period too, the share with an active next day
        for u in users:
            days = {e[0].date() for e in events[u] if START <= e[0] < END}
            ask = [d for d in days if d + timedelta(days=1) < END.date()]
            if ask:
                returns.append(sum(d + timedelta(days=1) in days for d in ask) / len(ask))

        def ratio(key, per, users=users):
            return sum(sum(m[key] for m in of) / sum(m[per] for m in of) for of in users.values()) / len(users)

        result[name] = {
            "users_exposed": sum(arm(u) == name and any(START <= e[0] < END for e in of) for u, of in events.items()),
            "users_included": len(users),
            "sessions": len(each),
            "events": sum(m["plays"] for m in each),
            "mean_over_users": sum(means) / len(means),
            "mean_over_sessions": sum(m["listened"] for m in each) / 1000 / len(each),
            "metric:next_day": sum(returns) / len(returns),
            "metric:skip_share": ratio("skips", "plays"),
            "metric:forward": ratio("forward", "plays"),
            "metric:short": ratio("short", "plays"),
            "metric:quick": ratio("quick", "plays"),
            "metric:artists_per_session": sum(m["artists"] for m in each) / len(each),
        }
    return result


if __name__ == "__main__":
    print(json.dumps(answer(sys.argv[1]), indent=1, ensure_ascii=False))
