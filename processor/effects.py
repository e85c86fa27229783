"""Input and output types of a partition: records in; outputs, dead letters and counts out."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from broker.repeats import Numbers
from livelift.output_log import Counts, Output


class Record(Protocol):
    """A record of the events topic, as the consumer hands it over."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class Batch(Protocol):
    """Records that were fetched together. One can go through them once.

    first, last
        The offsets that it covers: between them nothing is left out, whether or not a record is there for each.
    numbers
        What tells it from others of its producer; None if that gives none.
    """

    first: int
    last: int

    @property
    def numbers(self) -> Numbers | None: ...

    def __iter__(self) -> Iterator[Record]: ...


class DeadLetter(NamedTuple):
    """A record that was not applied, and why. `row` is −1 where it could not be read."""

    offset: int
    reason: str
    row: int
    key: bytes | None
    value: bytes | None


class Effects:
    """What a batch of records did: outputs in log order, dead letters, and counts of the batch's own events and closed
    sessions."""

    __slots__ = ("closed", "counts", "dead_letters", "outputs")

    def __init__(self) -> None:
        self.outputs: list[Output] = []
        self.closed = 0
        self.counts = Counts()
        self.dead_letters: list[DeadLetter] = []
