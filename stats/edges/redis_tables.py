"""A study's tables in Redis: a hash a table, a field a group. They are written in the commit that holds what they were made of.

livelift:STUDY:RUN:table:NAME    field [window's start in ms, keys…], value [integers…], both JSON arrays
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from livelift.churn import ChurnModel
from livelift.names import RunNames
from stats.edges.redis_commit import FIELDS_PER_COMMAND, Command, hset
from stats.edges.redis_connection import Client
from stats.edges.redis_schema import require_schema
from stats.sums.table_sums import TableSums

_decode = msgspec.json.Decoder(list[int]).decode
_encode = msgspec.json.Encoder().encode


def table_key(names: RunNames, table: str) -> str:
    """The hash of a table of one run."""
    return names.key(f"table:{table}")


def load_tables(client: Client, names: RunNames, tables: TableSums) -> None:
    """Put every group that Redis holds into `tables`."""
    for name in tables.groups:
        for key, integers in client.hscan_iter(table_key(names, name), count=FIELDS_PER_COMMAND):
            tables.put(name, key.decode(), _decode(integers))


def table_commands(names: RunNames, tables: TableSums) -> Iterator[Command]:
    """What writes the groups that changed since the last commit."""
    fields: dict[str, list[str | bytes]] = {}
    for name, key, integers in tables.changes():
        fields.setdefault(name, []).extend((key, _encode(integers)))
    for name, rows in fields.items():
        yield from hset(table_key(names, name), rows)


def table_size(client: Client, names: RunNames, table: str) -> int:
    """How many groups a table has."""
    return int(client.hlen(table_key(names, table)))


def read_tick(client: Client, names: RunNames) -> int:
    """The tick (ms) that the run's tables are as of; −1 before the first."""
    return int(client.hget(names.key("state"), "tick") or -1)


class _Counters(msgspec.Struct):
    """Of the state's counters what readers need."""

    churn: ChurnModel = msgspec.field(default_factory=ChurnModel)


_decode_counters = msgspec.json.Decoder(_Counters).decode


@dataclass(frozen=True, slots=True)
class KeptTables:
    """Tables of a run, all of one commit: the fingerprint of the run's study, the tick in ms (−1 before the first), each
    table's groups by their JSON keys, and the churn model, of a study that has one."""

    study: str
    tick: int
    groups: dict[str, dict[bytes, list[int]]]
    churn: ChurnModel = field(default_factory=ChurnModel)


def read_kept_tables(client: Client, names: RunNames, tables: Sequence[str]) -> KeptTables:
    """The tables of these names; read again where stats commits in the meantime.

    Raises
    ------
    VersionError
        If the run was written in another form.
    """
    state = names.key("state")
    require_schema(state, client.hget(state, "schema"))
    while True:
        checksum, study, tick = (client.hget(state, name) for name in ("checksum", "study", "tick"))
        counters = client.hget(state, "counters") or b"{}"
        groups = {}
        for name in tables:
            found = client.hscan_iter(table_key(names, name), count=FIELDS_PER_COMMAND)
            groups[name] = {key: _decode(integers) for key, integers in found}
        if client.hget(state, "checksum") == checksum:
            return KeptTables((study or b"").decode(), int(tick or -1), groups, _decode_counters(counters).churn)
