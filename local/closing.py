"""Closing a study early: by its stats station where one works, else here, on what Redis holds."""

import os
import time
from typing import Any

import redis

from livelift import settings
from livelift.errors import StateError, UnreachableError
from livelift.event_time import from_iso
from livelift.names import RunNames
from livelift.output_log import END_DUE
from livelift.sessions import session_measures
from livelift.study import Study
from local.run_folder import RunFolder
from local.verdict_reader import NO_VERDICT, read_verdict, redis_client
from stats import engine
from stats.document import history_entry, make_document
from stats.integrity import Damaged
from stats.redis_commit import Refused
from stats.redis_connection import Client
from stats.redis_store import RedisStore, current_run

WAIT_SECONDS = 10.0
"""How long a working stats station is waited for; in a replay the next tick is a moment away, in a live stream a day."""

POLL_SECONDS = 0.2


def close_study(folder: RunFolder, study: Study, reason: str) -> dict[str, Any] | None:
    """Ask for the close of the study's current run.

    Returns
    -------
    dict or None
        The verdict with which it closed; None if it will only close at its next tick.

    Raises
    ------
    StateError
        If there is no run, it is decided, complete or closed already, or what Redis holds of it is damaged.
    UnreachableError
        If Redis refuses or goes away.
    """
    with redis_client(folder) as client:
        try:
            return _close(client, folder, study, reason)
        except Damaged as damage:
            raise StateError(
                f"what Redis holds of study '{study.name}' is damaged: {damage}",
                "start the stack, which reads it again from Kafka and then closes it: livelift up",
            ) from None
        except redis.RedisError as error:
            raise UnreachableError(
                f"the study is not closed, Redis says: {error}", "start Redis, or give this user the right to write"
            ) from None


def _close(client: Client, folder: RunFolder, study: Study, reason: str) -> dict[str, Any] | None:
    run = current_run(client, study.name)
    document = None if run is None else read_verdict(client, study.name)
    if run is None or document is None or document["run"] != run:
        raise StateError(f"there is no verdict of study '{study.name}' yet", NO_VERDICT)
    if document["decided"] is not None:
        raise StateError(f"study '{study.name}' has ended already", "nothing is left to close: livelift verdict")
    names = RunNames(study.name, run)
    store = RedisStore(client, names, study, session_measures(study).names)
    store.request_close(reason, from_iso(document["as_of"]))
    closed = _wait(client, study) if _station_may_work(folder) else None
    if closed is None and document["progress"]["ended"]:
        closed = _close_here(store, names, study, reason)
    return closed


def _station_may_work(folder: RunFolder) -> bool:
    """Is a stack up here, or is Redis somewhere else, where a station may write it?"""
    return folder.stack() is not None or bool(os.environ.get(settings.REDIS))


def _wait(client: Client, study: Study) -> dict[str, Any] | None:
    """The verdict once a station has closed the study, or it has ended by itself; None if neither came in time."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        document = read_verdict(client, study.name)
        if document is not None and document["decided"] is not None:
            return document
        time.sleep(POLL_SECONDS)
    return None


def _close_here(store: RedisStore, names: RunNames, study: Study, reason: str) -> dict[str, Any] | None:
    """Close a run whose stream has ended and which no station works at."""
    state, kept = store.load(store.partitions())
    if kept is None or not state.ended:
        return None
    sums = state.sums(END_DUE)
    closed, verdict = engine.close_early(engine.from_bytes(kept), sums, study, reason)
    document = make_document(study, names.run, sums, verdict)
    commands = store.verdict_commands(document, history_entry(document))
    try:
        made = store.close_made(reason, sums.time, sums.ended)
        store.commit(state, engine.to_bytes(closed), [*commands, made])
    except Refused:
        return None  # a station was there after all: it has the request
    return document
