"""Faust's recovery of tables, which waits for Kafka as long as that takes.

Faust gives each step before reading the changelog (flush, ends, beginnings, seek) `broker_request_timeout`, 30 s. Its `_wait`
cannot tell a step that ran out of time from a service that was stopped: the loop that starts recoveries then ends without
a word. The worker keeps its place in its group, but never restores or reads a partition again, in no later rebalance
either. Here steps have no time of Faust's own, since each of them ends by itself: the client gives up after the same 30 s,
with an error. Recovery is then begun again from where it is: what was read of the changelog stays read.
"""

from typing import Any

from aiokafka.errors import KafkaError, KafkaTimeoutError
from faust.tables import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery

RETRY_SECONDS = 1.0


def may_pass(error: Exception) -> bool:
    """Is this what a broker that is away for a while looks like?

    >>> from aiokafka.errors import IllegalStateError, KafkaConnectionError
    >>> may_pass(KafkaConnectionError()), may_pass(KafkaTimeoutError()), may_pass(TimeoutError())
    (True, True, True)
    >>> may_pass(IllegalStateError()), may_pass(ValueError())
    (False, False)
    """
    if isinstance(error, KafkaError):
        return bool(error.retriable) or isinstance(error, KafkaTimeoutError)
    return isinstance(error, TimeoutError)


class PatientRecovery(Recovery):
    """Begins again where Faust's gives up."""

    retry_seconds = RETRY_SECONDS

    async def _wait(self, coro: Any, timeout: Any = None) -> None:
        """Wait for a step of the recovery, a stop, or another rebalance.

        Raises
        ------
        ServiceStopped
            If the worker is being stopped.
        RebalanceAgain
            If another rebalance came, or the step failed for lack of a broker: recovery then begins again.
        """
        try:
            await super()._wait(coro)
        except (KafkaError, TimeoutError) as error:
            if not may_pass(error):
                raise
            self.log.warning("Kafka does not answer while state is restored, trying again: %r", error)
            await self.sleep(self.retry_seconds)
            self.signal_recovery_start.set()
            raise RebalanceAgain from error


class PatientTables(TableManager):
    """Faust's tables, restored by `PatientRecovery`."""

    @property
    def recovery(self) -> PatientRecovery:
        if self._recovery is None:
            self._recovery = PatientRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        assert isinstance(self._recovery, PatientRecovery)
        return self._recovery
