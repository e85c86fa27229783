"""Reads the verdict from Redis: the running one, else one started for a moment on the kept data."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from redis.exceptions import RedisError

from livelift import settings
from livelift.churn import ChurnModel
from livelift.document import Document, HistoryEntry, decode_document
from livelift.errors import StateError, UnreachableError
from livelift.event_time import to_iso
from livelift.names import RunNames, preview_key, verdict_key
from livelift.study import Study
from livelift.study_folders import study_flag
from livelift.table_plan import Shown
from livelift.table_rows import groups_needed, rows_of
from local.redis_server import RedisServer
from local.run_folder import RunFolder
from local.runs import go_back_to_complete, require_run
from stats.edges.event_time_samples import EventTimeSamples
from stats.edges.redis_connection import Client, connect
from stats.edges.redis_store import current_run, read_ticks
from stats.edges.redis_tables import KeptTables, read_kept_tables

NO_VERDICT = "fill it: livelift demo"


def no_verdict(study: Study) -> str:
    """What to do where there is none of the study."""
    return f"{NO_VERDICT}{study_flag(study.name, study.folder)}"


@contextmanager
def redis_client(folder: RunFolder) -> Iterator[Client]:
    """A client of the Redis that is set, or of the stack that is up, or of the last stack's data.

    Raises
    ------
    UnreachableError
        If the Redis that is set does not answer.
    StateError
        If nothing was ever kept.
    """
    stack = folder.stack()
    if os.environ.get(settings.REDIS):
        yield connect(os.environ[settings.REDIS])
    elif stack is not None:
        yield connect(stack["redis"])
    elif folder.redis.exists():
        server = RedisServer(folder.redis)
        server.start()
        try:
            client = connect(server.url)
            go_back_to_complete(client)  # of a run that was stopped by kill -9
            yield client
        finally:
            server.stop()
    else:
        raise StateError(f"there is no verdict yet: {folder.redis} is not there", NO_VERDICT)


def read_verdict(client: Client, study: str, *, preview: bool = False, run: str | None = None) -> Document | None:
    """The current document of the study, or that of `run`; None if there is none.

    With `preview` the newer of the verdict and the preview, of the current run only.

    Raises
    ------
    StateError
        If there is no such run.
    UnreachableError
        If Redis has gone.
    VersionError
        If another version of this program wrote it.
    """
    try:
        if run is not None:
            texts = [client.get(RunNames(study, require_run(client, study, run)).key("verdict")), None]
        else:
            texts = client.mget([verdict_key(study), preview_key(study)])
    except RedisError as error:
        raise UnreachableError(
            f"Redis does not answer any more: {error}", "nothing is lost: start it and ask again: livelift verdict"
        ) from None
    chosen = texts[1] if preview and texts[1] else texts[0]
    return decode_document(chosen) if chosen else None


def read_newest(client: Client, study: str) -> Document | None:
    """The newest document of the study's current run, between ticks a preview; None before its first.

    Raises
    ------
    UnreachableError
        If Redis has gone.
    """
    document = read_verdict(client, study, preview=True)
    return document if document is not None and document.run == current_run(client, study) else None


def read_history(client: Client, study: str, run: str | None = None) -> list[HistoryEntry]:
    """Every tick that the current run, or `run`, has kept, oldest first.

    Raises
    ------
    StateError
        If there is no such run.
    """
    chosen = _chosen_run(client, study, run)
    return [] if chosen is None else [entry for _, _, entry in read_ticks(client, RunNames(study, chosen))]


def read_event_time(client: Client, study: Study, run: str | None = None) -> bytes | None:
    """The same as OpenMetrics text, each sample at its tick's event time; None if there is no run."""
    chosen = _chosen_run(client, study.name, run)
    if chosen is None:
        return None
    samples = EventTimeSamples(study, chosen)
    for _, wall_ms, entry in read_ticks(client, RunNames(study.name, chosen)):
        samples.add(entry, wall_ms)
    return samples.text()


@dataclass(frozen=True, slots=True)
class ReadTables:
    """Tables of a run: the midnight or end that they are as of, as ISO 8601, their rows, and the churn model of a study that has one."""

    as_of: str
    rows: dict[str, list[dict[str, Shown]]]
    churn: ChurnModel


def read_tables(client: Client, study: Study, names: list[str], run: str | None = None) -> ReadTables:
    """The tables `names` of the study's current run, or of `run`.

    Raises
    ------
    StateError
        If there is no such run, or it is of another study file: its columns may have been others.
    UnreachableError
        If Redis has gone.
    """
    kept = kept_tables(client, study, groups_needed(study, names), run)
    as_of = "before the first midnight" if kept.tick < 0 else to_iso(kept.tick)
    return ReadTables(as_of, rows_of(study, names, kept.groups, kept.tick), kept.churn)


def kept_tables(client: Client, study: Study, names: list[str], run: str | None = None) -> KeptTables:
    """The groups of these tables, as Redis holds them; raises as `read_tables`."""
    chosen = _chosen_run(client, study.name, run)
    if chosen is None:
        raise StateError(f"study '{study.name}' has no tables yet", no_verdict(study))
    try:
        kept = read_kept_tables(client, RunNames(study.name, chosen), names)
    except RedisError as error:
        raise UnreachableError(
            f"Redis does not answer any more: {error}", "nothing is lost: start it and ask again: livelift tables"
        ) from None
    if kept.study and kept.study != study.fingerprint:
        raise StateError(
            f"run {chosen} was made with another study file than the one there is now",
            f"undo the change, or make a new run: livelift demo{study_flag(study.name, study.folder)}",
        )
    return kept


def _chosen_run(client: Client, study: str, run: str | None) -> str | None:
    return current_run(client, study) if run is None else require_run(client, study, run)
