"""Settings of the processor: one frozen object, built in `__main__` or by the command line, never at import."""

from dataclasses import dataclass
from pathlib import Path

from livelift import settings
from livelift.names import RunNames
from livelift.watchdog import STANDSTILL_SECONDS

FETCH_RECORDS = 20_000
SESSION_TIMEOUT = 10.0
CHECKPOINT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ProcessorSettings:
    """How one worker runs.

    kafka
        Bootstrap address, "host:port".
    study, run
        Which study, and which run of it.
    partitions
        Of the events topic; outputs and state have as many.
    data_folder
        For what Faust keeps beside its state.
    fetch_records
        The most records taken from the consumer at once, over all partitions: bounds a batch.
    session_timeout
        Seconds without a heartbeat after which the group gives a worker's partitions away.
    checkpoint_seconds
        How often a partition's state is written, at most; see `processor.checkpoint`. What came since is done again after
        a crash.
    store
        Where users are kept: "memory", or "rocksdict" on disk for more users than memory.
    standstill_seconds
        Without progress for so long although there is work, the worker is ended; see `livelift.watchdog`.
    """

    kafka: str
    study: str
    run: str
    partitions: int
    data_folder: Path
    fetch_records: int = FETCH_RECORDS
    session_timeout: float = SESSION_TIMEOUT
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    store: str = settings.STORES[0]
    standstill_seconds: float = STANDSTILL_SECONDS

    @property
    def names(self) -> RunNames:
        return RunNames(self.study, self.run)
