"""Viewings: one JSON array, local times of New York. Usage: make.py OUT"""

import json
import random
import sys
from datetime import date, datetime, timedelta

FIRST, DAYS, STARTS = date(2024, 4, 20), 58, date(2024, 5, 6)


def main(out):
    rng = random.Random(20240506)
    rows = []
    for number in range(420):
        arm = "still" if rng.random() < 0.6 else "playing"
        typical = rng.lognormvariate(7.2, 0.5)
        rate = rng.choice([0.08, 0.2, 0.45])
        begins = 0 if number % 3 else rng.randrange(10, 40)  # every third user is new
        knows = number % 11  # every eleventh user's events name no arm
        for day in range(begins, DAYS):
            if rng.random() >= rate:
                continue
            t = datetime.combine(FIRST + timedelta(days=day), datetime.min.time()) + timedelta(
                minutes=rng.randrange(1440)
            )
            for _ in range(rng.choice([1, 1, 1, 2, 3])):
                length = rng.choice([1320, 2640, 5400, 7200])
                lift = 1.3 if arm == "playing" and t.date() >= STARTS else 1.0
                watched = min(86_400, int(typical * lift * rng.lognormvariate(0, 0.6)))
                row = {
                    "user_id": 1000 + number,
                    "created_at": t.strftime("%Y-%m-%dT%H:%M:%S"),
                    "show_duration_seconds": length,
                    "user_watch_duration_seconds": watched,
                    "show_genre": rng.choice(["Drama", "Comedy", "Crime", "Sci-Fi", ""]),
                }
                # Some events come from a client that does not know the arm; before the period another experiment's arm stands.
                named = arm if t.date() >= STARTS else rng.choice(["still", "playing", "old"])
                if knows and rng.random() < 0.8:
                    row["experiment"] = {"arm": named, "id": "previews"}
                if number % 50 == 7 and rng.random() < 0.3:  # signed in on a second device
                    row["experiment"] = {"arm": rng.choice(["still", "playing"])}
                rows.append((t, row))
                t += timedelta(minutes=rng.choice([0, 25, 50, 115]))
    rows.sort(key=lambda one: one[0])
    found = [row for _, row in rows]
    good = found[len(found) // 2]
    broken = [
        good | {"user_id": None},
        good | {"created_at": "2024-05-20"},
        good | {"created_at": "2024-03-10T02:30:00"},
        good | {"created_at": "2023-12-31T18:59:59"},
        good | {"user_watch_duration_seconds": -1},
        good | {"user_watch_duration_seconds": 86_401},
        good | {"user_watch_duration_seconds": 12.5},
        good | {"show_duration_seconds": 0},
        good | {"show_duration_seconds": None},
        good | {"show_genre": ["Drama"]},
        good | {"experiment": {"arm": {"a": 1}}},
        {"user_id": 1},
        [1, 2],
        "text",
    ]
    for row in broken * 2:
        found.insert(rng.randrange(len(found)), row)
    for _ in range(20):
        place = rng.randrange(len(found))
        found.insert(rng.randrange(place + 1, len(found) + 1), found[place])
    with open(out, "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(row) for row in found) + "\n]\n")


if __name__ == "__main__":
    main(sys.argv[1])
