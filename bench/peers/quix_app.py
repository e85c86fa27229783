"""Quix Streams: a stateful function over a streaming dataframe; state in RocksDB with a changelog topic.

Its built-in `session_window` cannot count skips, which compare neighbouring events.
"""

import os

from quixstreams import Application, State

GAP_MS = int(os.environ["GAP_MS"])
SKIP_MS = int(os.environ["SKIP_MS"])

app = Application(
    broker_address=os.environ["BROKER"],
    consumer_group=os.environ["APPLICATION"],
    auto_offset_reset="earliest",
    state_dir=os.environ["DATA"],
    loglevel="WARNING",
)
events = app.topic(os.environ["EVENTS"], key_deserializer="str", value_deserializer="json")
closed = app.topic(os.environ["OUTPUT"], key_serializer="str", value_serializer="json")


def sessionize(play: dict, user: str, time: int, headers: object, state: State):
    artist = f"id:{play['artist_id']}" if play["artist_id"] else f"name:{play['artist']}"
    session = state.get("session")
    if session is None or time - session["end"] > GAP_MS:
        if session is not None:
            yield as_closed(user, session)
        session = {"start": time, "end": time, "plays": 1, "skips": 0, "artists": [artist]}
    else:
        session["plays"] += 1
        session["skips"] += time - session["end"] < SKIP_MS
        session["end"] = time
        if artist not in session["artists"]:
            session["artists"].append(artist)
    state.set("session", session)


def as_closed(user: str, session: dict) -> dict:
    seconds = (session["end"] - session["start"]) // 1000
    return {"user": user, **session, "seconds": seconds, "artists": len(session["artists"])}


plays = app.dataframe(events).filter(lambda value, key, time, headers: key is not None, metadata=True)
plays.apply(sessionize, stateful=True, expand=True, metadata=True).to_topic(closed)

if __name__ == "__main__":
    app.run()
