"""Closes a study early: asks its running stats station, or without one closes it directly in Redis."""

import os
import time
from collections.abc import Callable

import redis

from livelift import settings
from livelift.document import Document, history_entry
from livelift.errors import StateError, UnreachableError
from livelift.event_time import from_iso
from livelift.names import RunNames
from livelift.output_log import END_DUE
from livelift.sessions import session_measures
from livelift.study import Study
from livelift.study_folders import study_flag
from local.run_folder import RunFolder
from local.runs import known_runs
from local.verdict_reader import no_verdict, read_verdict, redis_client
from stats.decision import engine
from stats.edges.document import make_document
from stats.edges.integrity import Damaged
from stats.edges.redis_commit import CommitConflict
from stats.edges.redis_connection import Client
from stats.edges.redis_store import RedisStore, current_run

WAIT_SECONDS = 10.0
"""How long a working stats station is waited for; in a replay the next tick is a moment away, in a live stream a day."""

POLL_SECONDS = 0.2


def close_study(
    folder: RunFolder,
    study: Study,
    reason: str,
    run: str | None = None,
    announce: Callable[[str], None] = lambda run: None,
) -> Document | None:
    """Ask for the close of `run`; of the study's current one if none is named.

    Parameters
    ----------
    announce
        Called with the run before it is asked to close.

    Returns
    -------
    Document or None
        The verdict with which it closed; None if it will only close at its next tick.

    Raises
    ------
    StateError
        If there is no such run, it is decided, complete or closed already, nothing goes on with it, or what Redis holds of it is
        damaged; without `run` also where a later one than the current was stopped before its end: either may be meant.
    UnreachableError
        If Redis refuses or goes away.
    """
    with redis_client(folder) as client:
        try:
            return _close(client, folder, study, reason, run, announce)
        except Damaged as damage:
            raise StateError(
                f"what Redis holds of study '{study.name}' is damaged: {damage}",
                "start the stack, which reads it again from Kafka and then closes it: livelift up",
            ) from None
        except redis.RedisError as error:
            raise UnreachableError(
                f"the study is not closed, Redis says: {error}", "start Redis, or give this user the right to write"
            ) from None


def _close(
    client: Client,
    folder: RunFolder,
    study: Study,
    reason: str,
    named: str | None,
    announce: Callable[[str], None],
) -> Document | None:
    run, flag = named or _only_one_meant(client, folder, study), study_flag(study.name, study.folder)
    document = read_verdict(client, study.name, run=run)
    if document is None:
        raise StateError(f"there is no verdict of run '{run}' yet", no_verdict(study))
    if document.decided is not None:
        raise StateError(
            f"run '{run}' of study '{study.name}' has ended already",
            f"nothing is left to close: livelift verdict{flag}",
        )
    ended = document.progress.ended
    if not ended and not _goes_on(folder, study, run):
        raise StateError(
            f"run '{run}' was stopped before the end of its stream, and nothing goes on with it",
            "nothing is left to close: livelift runs lists the others",
        )
    announce(run)
    names = RunNames(study.name, run)
    store = RedisStore(client, names, study, session_measures(study).names)
    store.request_close(reason, from_iso(document.as_of))
    closed = _wait(client, study, run) if _station_may_work(folder, study, run) else None
    if closed is None and ended:
        closed = _close_here(store, names, study, reason)
    return closed


def _only_one_meant(client: Client, folder: RunFolder, study: Study) -> str:
    """The study's current run, if no other may be meant.

    Where no stack is up the public keys speak of the last complete run, although a person may think of the one just stopped.
    """
    run = current_run(client, study.name)
    if run is None or not client.exists(RunNames(study.name, run).key("verdict")):
        raise StateError(f"there is no verdict of study '{study.name}' yet", no_verdict(study))
    newest = max((known.run for known in known_runs(client, study.name)), default=run)
    if newest > run and not _station_may_work(folder, study, run):
        raise StateError(
            f"run '{run}' is the last complete one of study '{study.name}', but run '{newest}' was begun after it",
            f"say which is to be closed: livelift close{study_flag(study.name, study.folder)} --run {run} --reason …",
        )
    return run


def _goes_on(folder: RunFolder, study: Study, run: str) -> bool:
    """Does a station work for `run`, or will one as soon as the stack is up?"""
    current = folder.current_run(study.name)
    return bool(os.environ.get(settings.REDIS)) or (current is not None and current.run == run)


def _station_may_work(folder: RunFolder, study: Study, run: str) -> bool:
    """Is a stack up here that works for `run`, or is Redis somewhere else, where a station may write it?"""
    return is_up(folder) and _goes_on(folder, study, run)


def is_up(folder: RunFolder) -> bool:
    """Is a stack up here, or Redis somewhere else, where stations may be?"""
    return bool(os.environ.get(settings.REDIS)) or folder.stack() is not None


def _wait(client: Client, study: Study, run: str) -> Document | None:
    """The verdict once a station has closed the run, or it has ended by itself; None if neither came in time."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        document = read_verdict(client, study.name, run=run)
        if document is not None and document.decided is not None:
            return document
        time.sleep(POLL_SECONDS)
    return None


def _close_here(store: RedisStore, names: RunNames, study: Study, reason: str) -> Document | None:
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
    except CommitConflict:
        return None  # a station was there after all: it has the request
    return document
