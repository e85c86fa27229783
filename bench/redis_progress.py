"""Progress of stats, read from the deduplication cursors that a run keeps in Redis."""

import json
from typing import Any

from livelift.document import Document
from livelift.names import RunNames
from livelift.output_log import END
from local.equality import differences
from local.verdict_reader import read_verdict
from stats.edges.redis_connection import Client


class StatsProgress:
    """Reads the position of one run's stats in its output log."""

    def __init__(self, client: Client, names: RunNames) -> None:
        self._client = client
        self._names = names
        self._key = names.key("state")

    def cursors(self) -> list[list[Any]]:
        """Per partition [due, kind, user, position, …] of the last output applied; empty before the first commit."""
        text = self._client.hget(self._key, "cursors")
        return json.loads(text) if text else []

    def document(self) -> Document | None:
        """The final document of the run, once the end of the stream is evaluated."""
        document = read_verdict(self._client, self._names.study)
        if document is None or document.run != self._names.run or not document.progress.ended:
            return None
        return document


def applied(cursors: list[list[Any]]) -> int:
    """Outputs applied in all."""
    return sum(cursor[3] for cursor in cursors)


def has_ended(cursors: list[list[Any]]) -> bool:
    """Every partition's end mark is applied."""
    return bool(cursors) and all(cursor[1] == END for cursor in cursors)


def is_equal(document: Document | None, oracle: Document) -> bool:
    """Is a live document the oracle's?"""
    return document is not None and not list(differences(document, oracle))
