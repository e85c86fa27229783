"""Kafka batches that the broker took twice, told by the numbers that an idempotent producer gives its records. Pure.

A producer whose acknowledgement was lost sends the batch again under the same numbers, and the broker drops it. But a
broker forgets producers by the time of their newest record: of events that are years old, it forgets every producer
whenever it starts and every ten minutes. Then it takes the batch again, and nobody but a reader of both can tell.
"""

from typing import NamedTuple


class Numbers(NamedTuple):
    """Of a Kafka batch: the id that the broker gave the producer, its epoch, the number of the batch's last record."""

    producer: int
    epoch: int
    last: int


Taken = dict[int, tuple[int, int]]
"""Producer → its epoch and the number of its last record that was read, the producers read last at the end."""

MOST_PRODUCERS = 8
"""As many are remembered: one sends again within seconds or, waiting for a broker that is down, while no other is taken."""

WRAPS_AT = 1 << 31
"""Numbers begin again at 0 there."""


def taken_before(numbers: Numbers | None, taken: Taken) -> bool:
    """Was the batch of these `numbers` read before? If not, it is noted in `taken`. None: of a producer that gives none.

    >>> taken: Taken = {}
    >>> batches = [Numbers(7, 0, 9), Numbers(7, 0, 19), Numbers(7, 0, 19), Numbers(7, 0, 20), Numbers(7, 1, 4), Numbers(8, 0, 4)]
    >>> [taken_before(numbers, taken) for numbers in [*batches, None, None]]
    [False, False, True, False, False, False, False, False]
    """
    if numbers is None:
        return False
    epoch, last = taken.pop(numbers.producer, (-1, -1))
    again = epoch == numbers.epoch and (last - numbers.last) % WRAPS_AT < WRAPS_AT // 2
    taken[numbers.producer] = (epoch, last) if again else (numbers.epoch, numbers.last)
    if len(taken) > MOST_PRODUCERS:
        del taken[next(iter(taken))]
    return again
