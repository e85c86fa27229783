"""Does Redis remove keys to make room? What that means for a run, in words. Pure."""

from typing import NamedTuple

UNKNOWN = "whether Redis removes keys when it is full cannot be seen: its user has neither INFO nor CONFIG GET"


class Eviction(NamedTuple):
    """How a Redis makes room: `policy` as in its setting `maxmemory-policy`, `maxmemory` in bytes, 0 for no limit."""

    policy: str
    maxmemory: int

    @property
    def threatens(self) -> bool:
        """May keys of ours vanish, now or once a limit is set? They have no time to live: the volatile policies spare them."""
        return self.policy.startswith("allkeys-")

    @property
    def words(self) -> str:
        """For a person.

        >>> Eviction("allkeys-lru", 1 << 20).words.partition(":")[0]
        'Redis removes keys when it is full (maxmemory-policy allkeys-lru, maxmemory 1048576 bytes)'
        >>> Eviction("noeviction", 0).words
        'Redis removes no keys of livelift (maxmemory-policy noeviction)'
        """
        if not self.threatens:
            return f"Redis removes no keys of livelift (maxmemory-policy {self.policy})"
        when = "when it is full" if self.maxmemory else "as soon as it is given a maxmemory and is full"
        limit = f", maxmemory {self.maxmemory} bytes" if self.maxmemory else ""
        return (
            f"Redis removes keys {when} (maxmemory-policy {self.policy}{limit}): verdicts and earlier runs may vanish; sums that do are "
            "noticed and read again from Kafka, which takes time, and if it happens again and again the station ends"
            "\n  fix: CONFIG SET maxmemory-policy noeviction"
        )
