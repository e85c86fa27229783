"""Bytewax: its session windower on an event clock, with a recovery store; run by `python -m bytewax.run`.

The source ends with EOF, at which every open window closes.
"""

import os
from datetime import UTC, datetime, timedelta

import bytewax.operators as op
import bytewax.operators.windowing as windowing
import orjson
from bytewax.connectors.kafka import KafkaSinkMessage
from bytewax.connectors.kafka import operators as kafka
from bytewax.dataflow import Dataflow

BROKERS = [os.environ["BROKER"]]
GAP = timedelta(milliseconds=int(os.environ["GAP_MS"]))
SKIP_MS = int(os.environ["SKIP_MS"])


def play_of(message):
    play = orjson.loads(message.value)
    artist = f"id:{play['artist_id']}" if play["artist_id"] else f"name:{play['artist']}"
    return message.key.decode(), (message.timestamp[1], artist)


def time_of(play):
    return datetime.fromtimestamp(play[0] / 1000, UTC)


def begin():
    return {"start": 0, "end": 0, "plays": 0, "skips": 0, "artists": set()}


def extend(session, play):
    time, artist = play
    if not session["plays"]:
        session["start"] = time
    elif time - session["end"] < SKIP_MS:
        session["skips"] += 1
    session["end"] = time
    session["plays"] += 1
    session["artists"].add(artist)
    return session


def merge(one, other):
    first, second = sorted((one, other), key=lambda session: session["start"])
    first["skips"] += second["skips"] + (second["start"] - first["end"] < SKIP_MS)
    first["end"] = max(first["end"], second["end"])
    first["plays"] += second["plays"]
    first["artists"] |= second["artists"]
    return first


def as_closed(item):
    user, (_, session) = item
    seconds = (session["end"] - session["start"]) // 1000
    value = {"user": user, **session, "seconds": seconds, "artists": len(session["artists"])}
    return KafkaSinkMessage(user.encode(), orjson.dumps(value))


flow = Dataflow("sessions")
messages = kafka.input("events", flow, brokers=BROKERS, topics=[os.environ["EVENTS"]], tail=False, batch_size=1000)
keyed = op.filter("no control marks", messages.oks, lambda message: message.key is not None)
plays = op.map("play", keyed, play_of)
# Its watermark also moves with the wall clock: without some waiting, a play at its predecessor's very time comes late.
clock = windowing.EventClock(time_of, wait_for_system_duration=timedelta(seconds=10), to_system_utc=lambda _: None)
sessions = windowing.fold_window("sessions", plays, clock, windowing.SessionWindower(gap=GAP), begin, extend, merge)
kafka.output("closed", op.map("message", sessions.down, as_closed), brokers=BROKERS, topic=os.environ["OUTPUT"])
