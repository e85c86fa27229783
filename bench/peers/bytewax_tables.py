"""Bytewax: the event tables of the study `shows`, each event in a group of every table, with a recovery store; run by `python -m bytewax.run`.

`TABLES` is a JSON object: table → [window, keys]. Groups are given out when the source ends.
"""

import json
import os
from datetime import UTC, datetime

import bytewax.operators as op
import orjson
from bytewax.connectors.kafka import KafkaSinkMessage
from bytewax.connectors.kafka import operators as kafka
from bytewax.dataflow import Dataflow

BROKERS = [os.environ["BROKER"]]
TABLES = json.loads(os.environ["TABLES"])


def groups_of(message):
    view = orjson.loads(message.value)
    moment = datetime.fromtimestamp(message.timestamp[1] / 1000, UTC)
    year, week, weekday = moment.isocalendar()
    windows = {
        "all": "",
        "day": f"{moment:%Y-%m-%d}",
        "week": f"{datetime.fromisocalendar(year, week, 1):%Y-%m-%d}",
        "month": f"{moment:%Y-%m}",
    }
    view["hour"], view["weekday"] = moment.hour, weekday
    watched, length = view["user_watch_duration_seconds"], view["show_duration_seconds"]
    part = (message.key, watched, min(1.0, watched / length), watched > length)
    return [
        (orjson.dumps([table, windows[window], *(view[key] for key in keys)]).decode(), part)
        for table, (window, keys) in TABLES.items()
    ]


def begin():
    return {"views": 0, "users": set(), "watched": 0, "completion": 0.0, "longer": 0}


def add(group, part):
    user, watched, completion, longer = part
    group["views"] += 1
    group["users"].add(user)
    group["watched"] += watched
    group["completion"] += completion
    group["longer"] += longer
    return group


def as_row(item):
    name, group = item
    return KafkaSinkMessage(name.encode(), orjson.dumps({**group, "users": len(group["users"])}))


flow = Dataflow("tables")
messages = kafka.input("events", flow, brokers=BROKERS, topics=[os.environ["EVENTS"]], tail=False, batch_size=1000)
views = op.filter("no control marks", messages.oks, lambda message: message.key is not None)
groups = op.fold_final("groups", op.flat_map("tables", views, groups_of), begin, add)
kafka.output("rows", op.map("message", groups, as_row), brokers=BROKERS, topic=os.environ["OUTPUT"])
