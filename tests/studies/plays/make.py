"""Extended streaming history, as JSON Lines in three files of a folder. Usage: make.py OUT"""

import gzip
import hashlib
import json
import random
import sys
from datetime import datetime, timedelta
from pathlib import Path

SALT = "radio-mode"


def treated(user):
    h = hashlib.sha256(f"{SALT}:{user}".encode()).digest()
    return int.from_bytes(h[:8], "big") % 100 >= 50


def main(out):
    rng, ids = random.Random(3), random.Random(4)
    rows = []
    artists = ["Sigur Rós", "Björk", "坂本龍一", "AC/DC", 'The "Band"', "Чайф"] + [f"Artist {n}" for n in range(60)]
    for number in range(300):
        user = f"listener_{number}" if number % 30 else f"späte Hörerin {number} 🎧"
        platform = rng.choice(["ios", "android", "Windows 10", "web_player"])
        rate = rng.choice([0.05, 0.25, 0.5, 0.8])
        taste = rng.lognormvariate(0, 0.35)
        for day in range(22):  # 4 … 25 March
            begin = datetime(2024, 3, 4) + timedelta(days=day)
            if rng.random() >= rate:
                continue
            lift = 1.4 if treated(user) and day >= 7 else 1.0
            t = begin + timedelta(seconds=rng.randrange(86400))
            for _ in range(1 + int(rng.expovariate(1 / (4 * taste)))):
                skipped = rng.random() < 0.2
                ms = rng.randrange(0, 30000) if skipped else int(rng.uniform(90000, 240000) * lift)
                t += timedelta(milliseconds=ms)
                podcast = rng.random() < 0.05
                row = {
                    "ts": t.strftime("%Y-%m-%dT%H:%M:%SZ"),  # when the play ended
                    "username": user,
                    "platform": platform,
                    "ms_played": ms,
                    "conn_country": "DE",
                    "master_metadata_track_name": None if podcast else f"Track {rng.randrange(500)}",
                    "master_metadata_album_artist_name": None if podcast else rng.choice(artists),
                    "master_metadata_album_album_name": None if podcast else "Album",
                    "spotify_track_uri": None if podcast else "spotify:track:x",
                    "episode_name": "An episode" if podcast else None,
                    "reason_start": "trackdone",
                    "reason_end": rng.choice(["fwdbtn", "fwdbtn", "backbtn"]) if skipped else "trackdone",
                    "shuffle": rng.random() < 0.3,
                    "skipped": rng.choice([True, True, None]) if skipped else rng.choice([False, None]),
                    "offline": rng.random() < 0.1,
                    "offline_timestamp": rng.choice([None, int(t.timestamp())]),
                    "incognito_mode": False,
                    "play_id": ids.choice([f"p{len(rows)}", len(rows), len(rows), len(rows), len(rows), None, ""]),
                }
                if rng.random() < 0.02:
                    del row["reason_end"]
                rows.append((t, json.dumps(row, ensure_ascii=rng.random() < 0.5)))
                t += timedelta(seconds=rng.choice([0, 0, 1, 20, 300, 1750, 1800]))
    rows.sort(key=lambda r: r[0])
    lines = [line.encode() for _, line in rows]
    good = {
        "ts": "2024-03-15T12:00:00Z",
        "username": "broken",
        "ms_played": 60000,
        "master_metadata_track_name": "T",
        "master_metadata_album_artist_name": "A",
        "reason_end": "trackdone",
        "shuffle": False,
        "skipped": False,
        "offline": False,
    }

    def but(**changes):
        row = {**good, **changes}
        return json.dumps({k: v for k, v in row.items() if v != "REMOVE"}).encode()

    broken = [
        b'{"ts": "2024-03-15T12:00:00Z", ',
        b"[1, 2]",
        b"null",
        b'{"username": NaN}',
        but(artist="x")[:-1] + b', "note": "K\xf6ln"}',
        but(username=""),
        but(username=None),
        but(username="REMOVE"),
        but(ts=""),
        but(ts=None),
        but(ts="REMOVE"),
        but(ts="2024-02-30T00:00:00Z"),
        but(ts="15.03.2024 12:00"),
        but(ts="2024-03-15"),
        but(ts="2023-12-31T23:59:59Z"),
        but(ts="2025-01-01T00:00:00Z"),
        but(ms_played=None),
        but(ms_played="REMOVE"),
        but(ms_played="many"),
        but(ms_played=1.5),
        but(ms_played=[1]),
        but(ms_played=-1),
        but(ms_played=36000001),
        but(master_metadata_track_name={"name": "T"}),
        but(master_metadata_track_name=["T"]),
        but(offline="maybe"),
    ]
    for p in [rng.randrange(len(lines)) for _ in range(20)]:
        lines.insert(rng.randrange(p + 1, len(lines) + 1), lines[p])
    for p in [rng.randrange(len(lines)) for _ in range(60)]:  # the same play again: at another time, of another account
        again = json.loads(lines[p])
        again["ts"] = ids.choice([again["ts"], again["ts"], "2024-03-20T12:00:00Z", "2024-02-30T00:00:00Z"])
        again["username"] = ids.choice([again["username"], "listener_7"])
        again["ms_played"] += 1
        lines.insert(rng.randrange(len(lines)), json.dumps(again).encode())
    for line in broken:
        lines.insert(rng.randrange(len(lines)), line)
    third = len(lines) // 3
    Path(out).mkdir()
    for number, part in enumerate((lines[:third], lines[third : 2 * third], lines[2 * third :]), 8):
        text = b"\n".join(part) + b"\n" * (number % 2)
        packed = number == 9
        name = f"Streaming_History_Audio_2024_{number:02}.jsonl" + ".gz" * packed
        Path(out, name).write_bytes(gzip.compress(text) if packed else text)


if __name__ == "__main__":
    main(sys.argv[1])
