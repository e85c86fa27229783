"""Stock Faust: a table of open sessions and one agent iteration per event, as its guide on tables shows it."""

import os

import faust

PARTITIONS = int(os.environ["PARTITIONS"])
GAP_MS = int(os.environ["GAP_MS"])
SKIP_MS = int(os.environ["SKIP_MS"])

app = faust.App(
    os.environ["APPLICATION"],
    broker=f"kafka://{os.environ['BROKER']}",
    store="memory://",
    datadir=os.environ["DATA"],
    topic_partitions=PARTITIONS,
    consumer_auto_offset_reset="earliest",
    web_enabled=False,
)


class Play(faust.Record, serializer="json"):
    artist_id: str = ""
    artist: str = ""


class Session(faust.Record, serializer="json"):
    start: int
    end: int
    plays: int
    skips: int
    artists: list[str]


events = app.topic(os.environ["EVENTS"], key_type=str, value_type=Play)
closed = app.topic(os.environ["OUTPUT"], key_type=str, value_serializer="json")
sessions = app.Table("sessions", key_type=str, value_type=Session, partitions=PARTITIONS)


@app.agent(events)
async def sessionize(stream):
    async for event in stream.events():
        user, play = event.key, event.value
        if user is None:
            continue  # a control mark
        time = round(event.message.timestamp * 1000)
        artist = f"id:{play.artist_id}" if play.artist_id else f"name:{play.artist}"
        session = sessions.get(user)
        if session is None or time - session.end > GAP_MS:
            if session is not None:
                await closed.send(key=user, value=as_closed(user, session))
            session = Session(start=time, end=time, plays=1, skips=0, artists=[artist])
        else:
            session.plays += 1
            session.skips += time - session.end < SKIP_MS
            session.end = time
            if artist not in session.artists:
                session.artists.append(artist)
        sessions[user] = session


def as_closed(user, session):
    seconds = (session.end - session.start) // 1000
    return {"user": user, **session.asdict(), "seconds": seconds, "artists": len(session.artists)}


if __name__ == "__main__":
    app.main()
