"""Error for a broker that does not answer. Imports no Kafka client."""

from livelift.errors import UnreachableError


def unreachable(kafka: str, error: Exception) -> UnreachableError:
    """Kafka does not answer, with what it said and what to do."""
    return UnreachableError(
        f"Kafka does not answer at {kafka}: {error}", "start it (livelift up does), or set LIVELIFT_KAFKA=HOST:PORT"
    )
