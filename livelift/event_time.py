"""Event time: integer milliseconds since 1970-01-01 UTC, as Kafka keeps it. Nothing here reads a clock."""

from datetime import UTC, date, datetime

SECOND = 1_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND


def from_date(day: date) -> int:
    """The midnight UTC that opens `day`, in ms.

    >>> from_date(date(2009, 3, 1))
    1235865600000
    """
    return (day.toordinal() - date(1970, 1, 1).toordinal()) * DAY


def next_midnight(time_ms: int) -> int:
    """The first midnight UTC strictly after `time_ms`, in ms.

    >>> next_midnight(0) == DAY and next_midnight(DAY - 1) == DAY
    True
    """
    return (time_ms // DAY + 1) * DAY


def to_iso(time_ms: int) -> str:
    """`time_ms` as ISO 8601 in UTC, milliseconds only where there are some.

    >>> to_iso(1235865600000)
    '2009-03-01T00:00:00Z'
    """
    moment = datetime.fromtimestamp(time_ms // SECOND, UTC)
    millis = time_ms % SECOND
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{millis:03d}Z" if millis else "Z")


def from_iso(text: str) -> int:
    """The ms of an ISO 8601 date or time; without an offset it is UTC.

    Raises
    ------
    ValueError
        If `text` is neither.

    >>> from_iso("2009-03-01") == from_iso("2009-03-01T00:00:00Z")
    True
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds // 1_000
