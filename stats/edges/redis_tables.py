"""A study's tables in Redis: a hash a table, a field a group. They are written in the commit that holds what they were made of.

livelift:STUDY:RUN:table:NAME    field [window's start in ms, keys…], value [integers…], both JSON arrays
"""

from collections.abc import Iterator

import msgspec

from livelift.names import RunNames
from livelift.table_plan import Shown, TablePlan
from stats.edges.redis_commit import Command
from stats.edges.redis_connection import Client
from stats.sums.table_sums import TableSums

FIELDS_PER_COMMAND = 1_000
"""Lua's unpack takes some thousands of values."""

_decode = msgspec.json.Decoder(list[int]).decode
_encode = msgspec.json.Encoder().encode


def table_key(names: RunNames, table: str) -> str:
    """The hash of a table of one run."""
    return names.key(f"table:{table}")


def load_tables(client: Client, names: RunNames, tables: TableSums) -> None:
    """Put every group that Redis holds into `tables`."""
    for name in tables.plans:
        for key, integers in client.hscan_iter(table_key(names, name), count=FIELDS_PER_COMMAND):
            tables.put(name, key.decode(), _decode(integers))


def table_commands(names: RunNames, tables: TableSums) -> Iterator[Command]:
    """What writes the groups that changed since the last commit."""
    fields: dict[str, list[str | bytes]] = {}
    for name, key, integers in tables.changes():
        fields.setdefault(name, []).extend((key, _encode(integers)))
    for name, rows in fields.items():
        for start in range(0, len(rows), 2 * FIELDS_PER_COMMAND):
            yield ["HSET", table_key(names, name), *rows[start : start + 2 * FIELDS_PER_COMMAND]]


def read_table(client: Client, names: RunNames, plan: TablePlan) -> list[dict[str, Shown]]:
    """The rows of a table as a person reads them, in the order of `TablePlan.rows`."""
    found = client.hscan_iter(table_key(names, plan.name), count=FIELDS_PER_COMMAND)
    return plan.rows({key: _decode(integers) for key, integers in dict(found).items()})


def table_tick(client: Client, names: RunNames) -> int | None:
    """The tick that the tables of a run are as of, in ms; None before the first."""
    tick = int(client.hget(names.key("state"), "tick") or -1)
    return None if tick < 0 else tick
