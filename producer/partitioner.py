"""Partition of a user's events, cached by user."""

from broker.partitioning import partition_of


class Partitioner(dict[str, int]):
    """User id → partition, of `partitions`. A dictionary that fills itself."""

    def __init__(self, partitions: int) -> None:
        super().__init__()
        self._partitions = partitions

    def __missing__(self, user: str) -> int:
        partition = self[user] = partition_of(user.encode(), self._partitions)
        return partition
