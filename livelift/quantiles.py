"""Quantiles over fixed integer bins: exact counts of bins that merge by adding, and the same bins everywhere.

A quantile column of a table is read from a table beside it, which counts the events of each bin. A bin is less than a hundredth as wide as its
values are large, so that the shown value, its middle, is within a half of one per cent of the exact one.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from livelift.table_plan import Key, Quantiles, decode_key
from livelift.tables import Table, Tables, TableValue

DIGITS = 8
"""A bin holds the values with the same so many first binary digits."""

EXACT = 1 << DIGITS
"""Below it each value is a bin of its own."""

COUNT = "count"
"""The only column of a table of bins."""


class BinTable(Table, frozen=True):
    """A table whose key has one more part: the bin of the field `bins`, by its least value."""

    bins: str = ""


def bin_of(value: int) -> int:
    """The least value of the bin that holds `value`, 0 or more.

    >>> bin_of(255), bin_of(256), bin_of(257), bin_of(258), bin_of(1_000_000)
    (255, 256, 256, 258, 999424)
    """
    if value < EXACT:
        return value
    shift = value.bit_length() - DIGITS
    return value >> shift << shift


def middle(least: int) -> int:
    """What is shown of a bin.

    >>> middle(255), middle(256), middle(999424)
    (255, 257, 1001472)
    """
    return least if least < EXACT else least + (1 << (least.bit_length() - DIGITS)) // 2


def bins_table(name: str, table: Table, column: str) -> str:
    """The table of bins that a quantile column is read from: the same for columns of one field and one condition."""
    mine = _counted(table.values[column])
    first = next(one for one, value in table.values.items() if value.quantile is not None and _counted(value) == mine)
    return f"{name}.{first}"


def _counted(value: TableValue) -> tuple[Any, ...]:
    return value.quantile, value.where, value.exceeds, value.first_days


def with_bins(tables: Tables) -> Tables:
    """The tables and, after each, those of its bins. No declared table has a dot in its name."""
    found: Tables = {}
    for name, table in tables.items():
        found[name] = table
        for column, value in table.values.items():
            if value.quantile is not None and (bins := bins_table(name, table, column)) not in found:
                count = TableValue(count="event", where=value.where, exceeds=value.exceeds, first_days=value.first_days)
                found[bins] = BinTable({COUNT: count}, window=table.window, by=table.by, bins=value.quantile)
    return found


def quantiles_of(name: str, table: Table, groups: Mapping[str, Mapping[bytes, list[int]]]) -> Quantiles:
    """Every quantile column of a table, from the groups of its tables of bins by their names.

    The value at 0 < q < 1 of n events is the middle of the bin of the ⌈q · n⌉th smallest, in units of the field.

    Raises
    ------
    KeyError
        If `groups` lack one of the tables of bins (`livelift.table_rows.groups_needed` names them).
    """
    sources = {column: bins_table(name, table, column) for column, value in table.values.items() if value.quantile}
    bins = {source: _sorted_bins(groups[source]) for source in set(sources.values())}
    return {
        column: {key: middle(_at(counts, table.values[column].at)) for key, counts in bins[source].items()}
        for column, source in sources.items()
    }


def _sorted_bins(groups: Mapping[bytes, list[int]]) -> dict[tuple[Key, ...], list[tuple[int, int]]]:
    """Window and keys of a row → its bins in their order, by least value, with how many events are in each."""
    found: dict[tuple[Key, ...], list[tuple[int, int]]] = {}
    for key, (count,) in groups.items():
        *rest, least = decode_key(key)
        if count:  # a group that was kept may be empty
            found.setdefault(tuple(rest), []).append((int(least), count))
    return {key: sorted(counts) for key, counts in found.items()}


def _at(bins: list[tuple[int, int]], at: float) -> int:
    """The bin of the ⌈at · n⌉th event; `at` as it is written, 0.95 and not the binary fraction beside it."""
    share, total = Fraction(str(at)), sum(count for _, count in bins)
    rank = -(-share.numerator * total // share.denominator)
    for least, count in bins:
        rank -= count
        if rank <= 0:
            return least
    raise AssertionError("a rank is at most the number of events")
