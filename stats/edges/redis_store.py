"""Redis adapter: loads and commits a run's statistics by one atomic script (promise P2.7).

The script compares the state it finds, by its checksum, with the one this process last saw, and applies a commit only if they
are equal. A second stats process, or a Redis that was rolled back, therefore makes a commit fail as a whole; the caller loads again
and seeks to the positions that Redis holds. Keys are described in `docs/`.
"""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import redis

from livelift.assignment import VARIANTS
from livelift.churn import ChurnModel
from livelift.document import Document, HistoryEntry, decode_document, decode_entry, encode
from livelift.errors import StateError
from livelift.events import Manifest
from livelift.names import RunNames, changes_channel, current_run_key, headline_key, preview_key, verdict_key
from livelift.output_log import Counts, Row
from livelift.study import Study
from livelift.tick_sums import Moments
from livelift.totals import total_columns
from livelift.user_tables import USERS
from stats.edges import integrity
from stats.edges.integrity import Damaged
from stats.edges.redis_commit import NO_HASH, Command, CommitScript, Sizes, hset
from stats.edges.redis_connection import Client
from stats.edges.redis_schema import SCHEMA, require_schema
from stats.edges.redis_tables import load_tables, table_commands, table_key
from stats.sums.run_state import RunState


class RedisStore:
    """The keys of one run. Not thread safe."""

    def __init__(self, client: Client, names: RunNames, study: Study, measures: tuple[str, ...]) -> None:
        self._client = client
        self._names = names
        self._study = study
        self._measures = measures
        columns = total_columns(study, measures)
        self._total_names = columns.names[: columns.readable]
        self._tables = [table_key(names, name) for name in (*study.event_tables, *study.user_tables)]
        self._script = CommitScript(client, names, self._tables)
        self._table_rows = (0,) * len(self._tables)  # fields of each
        self._held = ""  # checksum of the state that this station last saw or wrote
        self._kept: dict[str, bytes] = {}  # fields of the state that not every commit writes
        self._ticks = self._users = 0  # entries of the history, rows of users
        self._rows: set[tuple[int, int]] = set()  # (variant, bucket) of the fields of the sums

    def key(self, name: str) -> str:
        return self._names.key(name)

    def _moments(self, metric: str, arm: str) -> str:
        return self.key(f"moments:{metric}:{arm}")

    def load(self, partitions: int) -> tuple[RunState, bytes | None]:
        """The run as Redis holds it, and the engine's state; both new if there is nothing.

        Raises
        ------
        VersionError, StateError
            If the keys were written by another schema, study file or partition count.
        Damaged
            If they are not what was committed: `start_over`, then load again.
        """
        while True:
            try:
                return self._load(partitions)
            except (KeyError, ValueError, IndexError, TypeError, msgspec.MsgspecError) as error:
                damage = Damaged(f"a key cannot be read ({type(error).__name__}: {error})")
            except redis.ResponseError as error:
                if not str(error).startswith("WRONGTYPE"):
                    raise
                damage = Damaged("a key has another type")
            except Damaged as found:
                damage = found
            if not self.moved():  # what another station commits while it is read looks like damage
                raise damage

    def _load(self, partitions: int) -> tuple[RunState, bytes | None]:
        state = RunState(self._study, self._measures, partitions)
        self._held = NO_HASH  # unless it can be read as one
        fields = {k.decode(): v for k, v in self._client.hgetall(self.key("state")).items()}
        self._held = fields.get("checksum", b"").decode()
        self._kept, self._ticks, self._users, self._rows = {}, 0, self._client.hlen(self.key("users")), set()
        self._table_rows = (0,) * len(self._tables)
        if not fields:
            if self._client.exists(*(self.key(name) for name in ("sums", "ticks", "users")), *self._tables):
                raise Damaged("its state is gone, other keys are there")
            return state, None
        require_schema(self.key("state"), fields.get("schema"))
        if integrity.of_state(fields) != self._held:
            raise Damaged("fields of its state are missing or were changed")
        self._check_run(fields, partitions)
        for log, (due, kind, user, position, counts, still_open) in zip(
            state.logs, json.loads(fields["cursors"]), strict=True
        ):
            log.cursor, log.position = (due, kind, user), position
            log.counts, log.open_in_period = Counts(*counts), still_open
        if "manifest" in fields:
            manifest = msgspec.json.decode(fields["manifest"], type=Manifest)
            for log in state.logs:
                log.manifest = manifest
        state.tick = int(fields["tick"])
        counters = json.loads(fields["counters"])
        self._load_aggregate(state, counters)
        integrity.require_whole(state.aggregate, counters["witness"])
        load_tables(self._client, self._names, state.tables)
        integrity.require_whole_tables(state.tables, counters.get("tables", {}))
        self._table_rows = state.tables.sizes()
        if state.tables.churn is not None:
            model = msgspec.convert(counters["churn"], ChurnModel)
            state.tables.churn.restore(model, state.tables.groups[USERS])
        self._ticks = counters["ticks"]
        if self._client.xlen(self.key("ticks")) != self._ticks:
            raise Damaged("ticks of its history are missing, or there are others")
        if self._users < counters.get("users", 0):
            raise Damaged("users are missing")
        self._kept = {name: fields[name] for name in ("manifest", "engine") if name in fields}
        return state, fields.get("engine")

    def start_over(self) -> None:
        """Remove what is held of the run but its last verdict, unless another station has committed since it was judged.

        The run is read again from the output log; a close is kept beside it, and made again at its tick.
        """
        moments = [self._moments(name, arm) for name in self._study.metrics for arm in VARIANTS]
        keys = (*(self.key(name) for name in ("state", "sums", "ticks", "users")), *moments, *self._tables)
        self._script.whatever_sizes(self._held, [["DEL", key] for key in keys])

    def _check_run(self, fields: dict[str, bytes], partitions: int) -> None:
        if fields["study"].decode() != self._study.fingerprint or int(fields["partitions"]) != partitions:
            raise StateError(
                f"run {self._names.run} was begun with another study file or partition count",
                "a changed study or partition count is a new run: livelift replay --new-run",
            )

    def _load_aggregate(self, state: RunState, counters: dict[str, Any]) -> None:
        a = state.aggregate
        a.sessions_all, a.sessions_in_period, a.sessions_one_event, a.sessions_too_long, a.in_both = counters["all"]
        a.exposed, a.included, a.sessions, a.events = counters["variants"]
        a.ratios, a.exposed_sums = counters["ratios"], counters["exposed_sums"]
        for field, value in self._client.hgetall(self.key("sums")).items():
            variant, bucket = map(int, field.decode().split(":"))
            a.load_row(variant, bucket, value)
            self._rows.add((variant, bucket))
        for name in a.classic:
            for v, variant_name in enumerate(VARIANTS):
                moments = self._client.hgetall(self._moments(name, variant_name))
                if moments:
                    a.classic[name][v] = Moments(int(moments[b"n"]), float(moments[b"mean"]), float(moments[b"m2"]))

    def partitions(self) -> int:
        """The partitions of the run that Redis holds; 0 if it holds none."""
        return int(self._client.hget(self.key("state"), "partitions") or 0)

    def request_close(self, reason: str, after: int) -> None:
        """Ask whoever writes this run to close the study at its next tick, later than the tick `after` (ms)."""
        self._client.set(self.key("close"), json.dumps({"reason": reason, "after": after}))

    def close_at(self, time: int, ended: bool) -> str | None:
        """The reason to close the study at the tick `time` (ms), or at the end of the stream; None where there is none.

        A close that was made is made again at its own tick when the run is read again.
        """
        text = self._client.get(self.key("close"))
        if text is None:
            return None
        close = json.loads(text)
        due = [time, ended] == close["made"] if "made" in close else ended or time > close["after"]
        return str(close["reason"]) if due else None

    def close_made(self, reason: str, time: int, ended: bool) -> Command:
        """The command that notes a close with its tick, for the commit that has made it."""
        return ["SET", self.key("close"), json.dumps({"reason": reason, "made": [time, ended]})]

    def close_refused(self) -> Command:
        """The command that takes a request away: the study has ended by itself."""
        return ["DEL", self.key("close")]

    def moved(self) -> bool:
        """Does Redis hold another state than this station last saw? It was emptied or rolled back, or another one writes."""
        return (self.held() or b"").decode() != self._held

    def held(self) -> bytes | None:
        """The checksum of the state that Redis holds now; None before the first commit."""
        try:
            return self._client.hget(self.key("state"), "checksum")  # type: ignore[no-any-return]
        except redis.ResponseError as error:
            if not str(error).startswith("WRONGTYPE"):
                raise
            return NO_HASH.encode()

    def commit(self, state: RunState, engine: bytes | None, extra: list[Command]) -> None:
        """Write all that changed since the last commit, and the commands in `extra`, in one step.

        Raises
        ------
        CommitConflict
            If Redis holds another state than expected.
        Damaged
            If keys of the run are gone.
        DeniedError, redis.RedisError
            If Redis would refuse one of the commands. In every case nothing was written.
        """
        state.aggregate.flush()
        cursors = _cursors(state)
        ticks = self._ticks + sum(command[0] == "XADD" for command in extra)
        kept = self._kept_after(state, engine)
        own = self._state_fields(state, cursors, ticks, kept)
        commands = [
            *self._aggregate_commands(state),
            *table_commands(self._names, state.tables),
            *extra,
            # Last: were this ever half done, the rest would not fit the state that is held, which `load` notices.
            ["HSET", self.key("state"), *(part for field in own.items() for part in field)],
        ]
        sizes = Sizes(len(self._rows), self._ticks, self._users, self._table_rows)
        self._users = self._script(self._held, sizes, commands)
        self._rows.update((variant, bucket) for variant, bucket in state.aggregate.changed.rows)
        self._held, self._ticks, self._kept = own["checksum"].decode(), ticks, kept
        state.aggregate.changed.clear()
        state.tables.changed.clear()
        self._table_rows = state.tables.sizes()

    def require_rights(self) -> None:
        """See that this user may do all that a commit does.

        Raises
        ------
        DeniedError
            Naming the right that is missing.
        """
        study, run = self._study.name, self._names.key
        moments = [self._moments(name, arm) for name in self._study.metrics for arm in VARIANTS]
        self._script.require_rights(
            [
                *(["HSET", key, "", ""] for key in (run("state"), run("sums"), run("users"), *moments, *self._tables)),
                *(["SET", key, ""] for key in (run("verdict"), run("close"), verdict_key(study), preview_key(study))),
                *(["DEL", key] for key in (run("close"), preview_key(study), headline_key(study))),
                ["HSET", headline_key(study), "", ""],
                ["XADD", run("ticks"), "*", "", ""],
                ["PUBLISH", changes_channel(study), ""],
            ]
        )

    def _kept_after(self, state: RunState, engine: bytes | None) -> dict[str, bytes]:
        manifest = next((log.manifest for log in state.logs if log.manifest is not None), None)
        kept = dict(self._kept)
        if manifest is not None:
            kept["manifest"] = msgspec.json.encode(manifest)
        if engine is not None:
            kept["engine"] = engine
        return kept

    def _state_fields(self, state: RunState, cursors: str, ticks: int, kept: dict[str, bytes]) -> dict[str, bytes]:
        a = state.aggregate
        counters = {
            "all": [a.sessions_all, a.sessions_in_period, a.sessions_one_event, a.sessions_too_long, a.in_both],
            "variants": [a.exposed, a.included, a.sessions, a.events],
            "ratios": a.ratios,
            "exposed_sums": a.exposed_sums,
            "witness": integrity.witness(a),
            "ticks": ticks,
            "users": self._users,  # before this commit: they never become fewer
        }
        if self._tables:
            counters["tables"] = state.tables.witness()
        if state.tables.churn is not None:
            counters["churn"] = msgspec.to_builtins(state.tables.churn.model)
        fields: dict[str, bytes] = {
            "schema": str(SCHEMA).encode(),
            "study": self._study.fingerprint.encode(),
            "partitions": str(len(state.logs)).encode(),
            "cursors": cursors.encode(),
            "tick": str(state.tick).encode(),
            "counters": json.dumps(counters, separators=(",", ":")).encode(),
            **kept,
        }
        fields["checksum"] = integrity.of_state(fields).encode()
        return fields

    def _aggregate_commands(self, state: RunState) -> Iterator[Command]:
        a = state.aggregate
        rows: list[str | bytes] = []
        for variant, bucket, packed in a.packed_rows():
            rows += (f"{variant}:{bucket}", packed)
        yield from hset(self.key("sums"), rows)
        for name, arms in a.classic.items():
            for variant_name, m in zip(VARIANTS, arms, strict=True):
                if m.n and rows:
                    yield ["HSET", self._moments(name, variant_name),
                           "n", str(m.n), "mean", repr(float(m.mean)), "m2", repr(float(m.m2))]  # fmt: skip
        users: list[str | bytes] = []
        for user, (variant, totals) in a.changed.users.items():
            users += (user, self._user_row(variant, totals))
        yield from hset(self.key("users"), users)

    def _user_row(self, variant: int, totals: Row) -> bytes:
        """The user-level mart: what is known of an exposed user, as JSON."""
        named = zip(self._total_names, totals, strict=False)
        return msgspec.json.encode({"variant": VARIANTS[variant], **dict(named)})

    def make_current(self) -> None:
        """Let the study's public keys speak of this run, unless they speak of a later one: run ids sort by time."""
        current = current_run(self._client, self._study.name)
        if current is None or current < self._names.run:
            self._client.set(current_run_key(self._study.name), self._names.run)

    def is_current(self) -> bool:
        """Do the study's public keys speak of this run?"""
        return current_run(self._client, self._study.name) == self._names.run

    def verdict_commands(self, document: Document, entry: HistoryEntry | None) -> list[Command]:
        """Commands that show `document` to the public, and add `entry` to the history of ticks."""
        study = self._study.name
        text = encode(document)
        commands: list[Command] = [["SET", self.key("verdict"), text]]
        if entry is not None:
            commands.append(["XADD", self.key("ticks"), "*", "json", encode(entry)])
        if self.is_current():
            commands += public_commands(study, document, text)
            commands.append(["PUBLISH", changes_channel(study), text])
        return commands

    def preview_commands(self, document: Document) -> list[Command]:
        """Commands that show a preview between ticks."""
        return [["SET", preview_key(self._study.name), encode(document)]] if self.is_current() else []


def public_commands(study: str, document: Document | None, text: str | bytes) -> list[Command]:
    """Commands that let the study's public keys show `document`, which is `text` as JSON; no headline if it is unreadable."""
    commands: list[Command] = [
        ["SET", verdict_key(study), text],
        ["DEL", preview_key(study)],
        ["DEL", headline_key(study)],  # whatever somebody has made of it
    ]
    if document is not None:
        commands.append(
            ["HSET", headline_key(study), *(part for field in headline(document).items() for part in field)]
        )
    return commands


def headline(document: Document) -> dict[str, str]:
    """What HGET shows: the decision and its reason, as text."""
    lift = document.deciding.lift
    return {
        "decision": document.decision,
        "reason": document.summary,
        "as_of": document.as_of,
        "run": document.run,
        "lift": "" if lift is None else f"{lift:.6f}",
        "users_included": str(sum(v.users_included for v in document.variants.values())),
        "sessions": str(document.sessions.in_period),
    }


def _cursors(state: RunState) -> str:
    rows = [
        [*log.cursor, log.position, list(msgspec.structs.astuple(log.counts)), log.open_in_period] for log in state.logs
    ]
    return json.dumps(rows, separators=(",", ":"))


def current_run(client: Client, study: str) -> str | None:
    """The run that the study's public keys speak of; None before the first."""
    run: bytes | None = client.get(current_run_key(study))
    return None if run is None else run.decode()


def read_ticks(client: Client, names: RunNames, after: bytes = b"-") -> Iterator[tuple[bytes, int, HistoryEntry]]:
    """The run's history from the stream's id `after` on, b"(…" without it: (id, wall time in ms, entry), oldest first."""
    for number, fields in client.xrange(names.key("ticks"), min=after):
        yield number, int(number.partition(b"-")[0]), decode_entry(fields[b"json"])


def read_preview(client: Client, names: RunNames) -> Document | None:
    """What is shown between two ticks of this run; None if there is nothing, or something of another run."""
    text = client.get(preview_key(names.study))
    document = decode_document(text) if text else None
    return document if document is not None and document.run == names.run else None
