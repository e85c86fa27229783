"""Progress of stats, read from the deduplication cursors (`fence`) that a run keeps in Redis."""

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

    def fences(self) -> list[list[Any]]:
        """Per partition [due, kind, user, position, …] of the last output applied; empty before the first commit."""
        text = self._client.hget(self._key, "fences")
        return json.loads(text) if text else []

    def document(self) -> Document | None:
        """The final document of the run, once the end of the stream is evaluated."""
        document = read_verdict(self._client, self._names.study)
        if document is None or document.run != self._names.run or not document.progress.ended:
            return None
        return document


def applied(fences: list[list[Any]]) -> int:
    """Outputs applied in all."""
    return sum(fence[3] for fence in fences)


def has_ended(fences: list[list[Any]]) -> bool:
    """Every partition's end mark is applied."""
    return bool(fences) and all(fence[1] == END for fence in fences)


def is_equal(document: Document | None, twin: Document) -> bool:
    """Is a live document the twin's?"""
    return document is not None and not list(differences(document, twin))
