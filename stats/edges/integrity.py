"""Integrity checks of a run's state in Redis: checksum, totals that must add up. Pure.

Keys can be lost or changed behind the station's back: evicted, deleted by hand, restored from an older copy in part. A
sum that is short by one bucket gives a verdict that is wrong without a word, so it is checked at every load.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

from livelift.tick_sums import Moments
from stats.sums.aggregate import Aggregate
from stats.sums.table_sums import TableSums

CHECKED = ("schema", "study", "partitions", "cursors", "tick", "counters", "manifest", "engine")
"""The fields of the state hash that its checksum covers, in their order."""


class Damaged(Exception):  # noqa: N818  # no error of the program: the run is read again from its output log
    """What Redis holds of the run is not what was committed."""


def checksum(fields: Iterable[bytes]) -> str:
    """Eight bytes of BLAKE2b over the fields' lengths and contents, as hexadecimal digits.

    >>> checksum([b"a", b"bc"]) == checksum([b"ab", b"c"])
    False
    """
    digest = blake2b(digest_size=8)
    for field in fields:
        digest.update(len(field).to_bytes(8, "big"))
        digest.update(field)
    return digest.hexdigest()


def of_state(fields: dict[str, bytes]) -> str:
    """The checksum of a state hash."""
    return checksum(fields.get(name, b"") for name in CHECKED)


def witness(aggregate: Aggregate) -> dict[str, Any]:
    """What the other keys have to add up to, as JSON values: kept in the state, which its checksum covers."""
    return {"totals": aggregate.totals, "moments": _plain(aggregate.classic)}


def require_whole(aggregate: Aggregate, seen: dict[str, Any]) -> None:
    """Do the loaded keys add up to the `witness` of their commit?

    Raises
    ------
    Damaged
        Naming what doesn't.
    """
    if aggregate.totals != seen["totals"]:
        raise Damaged("rows of the sums are missing or were changed")
    if _plain(aggregate.classic) != seen["moments"]:
        raise Damaged("moments are missing or were changed")


def require_whole_tables(tables: TableSums, seen: dict[str, list[int]]) -> None:
    """Do the loaded groups of tables add up to the witness `seen` of their commit?

    Raises
    ------
    Damaged
        Naming the table that does not.
    """
    for name, sums in tables.witness().items():
        if sums != seen[name]:
            raise Damaged(f"rows of the table '{name}' are missing or were changed")


def _plain(classic: dict[str, list[Moments]]) -> dict[str, list[list[float]]]:
    return {name: [[m.n, float(m.mean), float(m.m2)] for m in arms] for name, arms in classic.items()}
