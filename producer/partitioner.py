"""Which partition a user's events go to: murmur2 as Kafka's default partitioner has it, remembered per user."""

from kafka.partitioner.default import murmur2


class Partitioner(dict[str, int]):
    """User id → partition, of `partitions`. A dictionary that fills itself."""

    def __init__(self, partitions: int) -> None:
        super().__init__()
        self._partitions = partitions

    def __missing__(self, user: str) -> int:
        partition: int = (murmur2(user.encode()) & 0x7FFFFFFF) % self._partitions
        self[user] = partition
        return partition
