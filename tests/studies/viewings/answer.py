"""What the docs say a verdict on these viewings has to count; plain Python, nothing of livelift."""

import json
import sys
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

NEW_YORK, MINIMUM = ZoneInfo("America/New_York"), 2
NOT_BEFORE, BEFORE = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
START, END = datetime(2024, 5, 6, tzinfo=UTC), datetime(2024, 6, 10, tzinfo=UTC)
ARMS = {"still": "control", "playing": "treatment"}


def moment(text):
    try:
        local = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=NEW_YORK)
    except (TypeError, ValueError):
        return None
    there_and_back = local.astimezone(UTC).astimezone(NEW_YORK).replace(tzinfo=None)
    return local.astimezone(UTC) if there_and_back == local.replace(tzinfo=None) else None


def judge(row):
    if not isinstance(row, dict):
        return "json", None
    if not row.get("user_id"):
        return "user", None
    time = moment(row.get("created_at"))
    if time is None:
        return "date", None
    if not NOT_BEFORE <= time < BEFORE:
        return "out_of_range", None
    watched, length = row.get("user_watch_duration_seconds"), row.get("show_duration_seconds")
    genre, experiment = row.get("show_genre") or "", row.get("experiment") or {}
    if not isinstance(watched, int):
        return "watched.type", None
    if not 0 <= watched <= 86_400:
        return "watched.minimum" if watched < 0 else "watched.maximum", None
    if not isinstance(length, int):
        return "length.type", None
    if length < 1:
        return "length.minimum", None
    if not isinstance(genre, str):
        return "genre.type", None
    if not isinstance(experiment.get("arm") or "", str):
        return "arm.type", None
    return None, (time, str(row["user_id"]), watched, length, genre, experiment.get("arm"))


def returned(active, anchors, days):
    """(of the anchor days whose later day is in the period, how many) → share, or None."""
    ask = [day for day in anchors if day + timedelta(days=days) < END.date()]
    return sum(day + timedelta(days=days) in active for day in ask) / len(ask) if ask else None


def tables(events):
    """Some of the study's tables."""
    days, genres = defaultdict(list), defaultdict(list)
    for time, user, watched, length, genre, _ in events:
        days[time.strftime("%Y-%m-%d")].append((user, watched, genre, min(100, 100 * watched / length)))
        genres[time.strftime("%Y-%m"), genre].append(user)
    daily = []
    for day, mine in sorted(days.items()):
        users, seconds = len({user for user, *_ in mine}), sum(watched for _, watched, _, _ in mine)
        crimes = [watched for _, watched, genre, _ in mine if genre in ("Drama", "Crime")]
        row = {"day": day, "views": len(mine), "users": users, "hours": seconds / 3600, "average": seconds / len(mine)}
        row["completion"] = sum(completion for *_, completion in mine) / len(mine)
        daily.append(row | {"longest_crime": max(crimes, default=None), "views_per_user": len(mine) / users})
    months = defaultdict(list)
    for (month, genre), users in genres.items():
        months[month].append({"month": month, "genre": genre, "views": len(users), "users": len(set(users))})
    top = [
        row for _, rows in sorted(months.items()) for row in sorted(rows, key=lambda r: (-r["views"], r["genre"]))[:2]
    ]
    return {"daily": daily, "top": top}


def accepted(path):
    """The events that count, each once."""
    seen = set()
    for row in json.loads(open(path, encoding="utf-8").read()):
        reason, event = judge(row)
        if reason is None and json.dumps(row) not in seen:
            seen.add(json.dumps(row))
            yield event


def answer(path):
    rows, rejected, duplicates, seen, events = 0, Counter(), 0, set(), defaultdict(list)
    with open(path, encoding="utf-8") as file:
        found = json.load(file)
    for row in found:
        rows += 1
        reason, event = judge(row)
        written = json.dumps(row)
        if reason:
            rejected[reason] += 1
        elif written in seen:
            duplicates += 1
        else:
            seen.add(written)
            events[event[1]].append(event)
    people = {
        "control": {},
        "treatment": {},
    }  # who is in which arm: the counted viewings, active days, first day of all
    exposed, both, in_period = Counter(), 0, 0
    for user, mine in events.items():
        mine.sort(key=lambda event: event[0])  # stable: rows of one moment stay in their order
        inside = [event for event in mine if START <= event[0] < END]
        first = next((n for n, event in enumerate(inside) if event[5] in ARMS), None)
        if first is None:
            continue
        counted = inside[first:]
        arm = ARMS[counted[0][5]]
        exposed[arm] += 1
        both += len({event[5] for event in counted if event[5] in ARMS}) == 2
        in_period += len(counted)
        if len(counted) >= MINIMUM:
            people[arm][user] = counted, {event[0].date() for event in counted}, mine[0][0].date()
    result = {
        "rows": rows,
        "accepted": sum(map(len, events.values())),
        "rejected": dict(sorted(rejected.items())),
        "duplicates": duplicates,
        "users_in_both": both,
        "sessions": {
            "all": sum(map(len, events.values())),
            "in_period": in_period,
            "unfinished": 0,
            "one_event": None,  # each is
        },
        "tables": tables([event for mine in events.values() for event in mine]),
    }
    for arm, users in people.items():
        viewings = [event for counted, _, _ in users.values() for event in counted]
        means = [sum(event[2] for event in counted) / len(counted) / 60 for counted, _, _ in users.values()]

        def mean(values):
            kept = [value for value in values if value is not None]
            return sum(kept) / len(kept)

        def retention(days, anchors, users=users, mean=mean):
            return mean(returned(active, anchors(active, first), days) for _, active, first in users.values())

        def on_exposure(active: set[date], _first: date):
            return [min(active)]

        def on_first(active: set[date], first: date):
            return [first] if first in active else []

        result[arm] = {
            "users_exposed": exposed[arm],
            "users_included": len(users),
            "sessions": len(viewings),
            "events": len(viewings),
            "mean_over_users": mean(means),
            "mean_over_sessions": sum(event[2] for event in viewings) / len(viewings) / 60,
            "metric:completion": mean(sum(e[2] for e in c) / sum(e[3] for e in c) for c, _, _ in users.values()),
            "metric:views": len(viewings) / len(users),
            "metric:dramas": sum(event[4] in ("Drama", "Crime") for event in viewings) / len(viewings),
            "metric:d1": retention(1, on_exposure),
            "metric:d7": retention(7, on_exposure),
            "metric:d30": retention(30, on_exposure),
            "metric:new_d7": retention(7, on_first),
            "metric:next_day": retention(1, lambda active, _: active),
        }
    return result


if __name__ == "__main__":
    print(json.dumps(answer(sys.argv[1]), indent=2))
