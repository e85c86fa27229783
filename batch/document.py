"""The batch oracle's document: its sums, turned into verdicts by the same decision code as the live run."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batch.oracle import Oracle
from livelift.document import Document, HistoryEntry, history_entry
from livelift.study import Study
from stats.decision import engine
from stats.edges.document import make_document

RUN = "batch"


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """The document at the end of the file, the history of its ticks from the first look on, and the study's tables."""

    document: Document
    history: list[HistoryEntry]
    tables: dict[str, list[dict[str, Any]]]


def batch_answer(
    data: Path,
    study: Study,
    *,
    select_from: int | None = None,
    select_to: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> BatchAnswer:
    """All that the file comes to. `select_from` and `select_to` are ms, [from, to). Raises `InputError` as the producer does."""
    state = engine.initial(study)
    history = []
    with Oracle(data, study, select_from=select_from, select_to=select_to, progress=progress) as oracle:
        for sums in oracle.ticks():
            state, verdict = engine.step(state, sums, study)
            document = make_document(study, RUN, sums, verdict)
            history.append(history_entry(document))
        return BatchAnswer(document, history, oracle.tables())


def batch_document(
    data: Path,
    study: Study,
    *,
    select_from: int | None = None,
    select_to: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[Document, list[HistoryEntry]]:
    """Document and history of `batch_answer`."""
    answer = batch_answer(data, study, select_from=select_from, select_to=select_to, progress=progress)
    return answer.document, answer.history
