"""Lists the runs that a Redis holds, and which one the study's public keys point at.

A run keeps its own verdict and history under its id. The public keys speak of the newest run while it is under way; when it
was stopped before its end, they go back to the last complete one.
"""

from dataclasses import dataclass
from datetime import datetime

import msgspec
from redis.exceptions import RedisError

from livelift.document import Document, decode_document
from livelift.errors import StateError, UnreachableError, VersionError
from livelift.names import RunNames, current_run_key
from local.run_folder import RunFolder
from stats.edges.redis_commit import Command, CommitScript
from stats.edges.redis_connection import Client
from stats.edges.redis_store import current_run, public_commands


class _Ended(msgspec.Struct, frozen=True):
    ended: bool


class _Reached(msgspec.Struct, frozen=True):
    """What the list of runs says of a document: the same in every version of it, so that runs of others are listed too."""

    as_of: str
    decision: str
    progress: _Ended


_reached = msgspec.json.Decoder(_Reached)


@dataclass(frozen=True, slots=True)
class KnownRun:
    """One run as Redis holds it; None = unknown.

    Attributes
    ----------
    begun
        When, UTC, from its id.
    as_of
        Event time of its last tick.
    decision
        The one of that tick.
    complete
        Has it reached the end of its stream?
    current
        Do the study's public keys speak of it?
    """

    run: str
    study: str
    begun: str | None
    as_of: str | None
    decision: str | None
    complete: bool
    current: bool


def known_runs(client: Client, study: str = "*") -> list[KnownRun]:
    """Every run of the study, the oldest first; of all studies if none is named."""
    keys = [key.decode().split(":") for key in client.scan_iter(match=f"livelift:{study}:*:state", count=1_000)]
    ids = sorted({(run, name) for _, name, run, _ in (key for key in keys if len(key) == 4)})
    return [_known(client, name, run) for run, name in ids]


def all_runs(client: Client, folder: RunFolder, study: str = "*") -> list[KnownRun]:
    """The same, with those of `folder` that ended before Redis held anything of them."""
    runs = {(known.run, known.study): known for known in known_runs(client, study)}
    for noted in folder.noted_runs():
        key = noted.run, noted.study
        if study in ("*", noted.study) and key not in runs:
            runs[key] = KnownRun(noted.run, noted.study, _begun(noted.run), None, None, False, False)
    return [runs[run] for run in sorted(runs)]


def require_run(client: Client, study: str, run: str) -> str:
    """`run`, if Redis holds such a run of the study.

    Raises
    ------
    StateError
        Saying which there are.
    """
    if not client.exists(RunNames(study, run).key("state")):
        there = [known.run for known in known_runs(client, study)]
        raise StateError(
            f"there is no run '{run}' of study '{study}'",
            f"use one of: {', '.join(there[-5:])} (livelift runs lists them)" if there else "begin one: livelift demo",
        )
    return run


def go_back_to_complete(client: Client) -> bool:
    """Where the public keys speak of a run that was stopped before its end, let them speak of the last complete one.

    For a Redis whose stations have ended: one that still works would go on writing for its own run. False if Redis takes
    no writes now, on a full disk say: what it has can still be read, and whoever reads next tries again.
    """
    try:
        _go_back(client)
    except (RedisError, UnreachableError):
        return False
    return True


def _go_back(client: Client) -> None:
    runs = known_runs(client)
    for study in sorted({run.study for run in runs}):
        own = [run for run in runs if run.study == study]
        complete = [run for run in own if run.complete]
        if complete and not any(run.current and run.complete for run in own):
            show_run(client, study, complete[-1].run)


def show_run(client: Client, study: str, run: str) -> None:
    """Let the study's public keys speak of `run`, in one step; one without a verdict yet leaves the verdict that is shown."""
    text = _verdict(client, study, run)
    commands: list[Command] = [["SET", current_run_key(study), run]]
    if text is not None:
        commands += public_commands(study, _document(text), text)
    CommitScript(client, RunNames(study, run)).whatever_is_held(commands)


def _known(client: Client, study: str, run: str) -> KnownRun:
    text = _verdict(client, study, run)
    reached = None if text is None else _reached.decode(text)
    return KnownRun(
        run=run,
        study=study,
        begun=_begun(run),
        as_of=None if reached is None else reached.as_of,
        decision=None if reached is None else reached.decision,
        complete=reached is not None and reached.progress.ended,
        current=current_run(client, study) == run,
    )


def _verdict(client: Client, study: str, run: str) -> bytes | None:
    text: bytes | None = client.get(RunNames(study, run).key("verdict"))
    return text


def _document(text: bytes) -> Document | None:
    """The document in `text`; None of one that another version wrote: whoever reads its verdict is told so."""
    try:
        return decode_document(text)
    except VersionError:
        return None


def _begun(run: str) -> str | None:
    """When a run was begun, by an id that `Run.new` made.

    >>> _begun("20261125-025059-4eda"), _begun("00000000-000000"), _begun("mine")
    ('2026-11-25T02:50:59Z', None, None)
    """
    try:
        return datetime.strptime(run[:15], "%Y%m%d-%H%M%S").strftime("%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return None
