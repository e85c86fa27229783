"""The batch oracle's document: its sums, turned into verdicts by the same decision code as the live run."""

from collections.abc import Callable
from pathlib import Path

from batch.oracle import Oracle
from livelift.document import Document, HistoryEntry, history_entry
from livelift.study import Study
from stats.decision import engine
from stats.edges.document import make_document

RUN = "batch"


def batch_document(
    data: Path,
    study: Study,
    *,
    select_from: int | None = None,
    select_to: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[Document, list[HistoryEntry]]:
    """The document at the end of the file, and the history of its ticks from the first look on.

    `select_from` and `select_to` are ms, [from, to). Raises `InputError` as the producer does.
    """
    state = engine.initial(study)
    history = []
    with Oracle(data, study, select_from=select_from, select_to=select_to, progress=progress) as oracle:
        for sums in oracle.ticks():
            state, verdict = engine.step(state, sums, study)
            document = make_document(study, RUN, sums, verdict)
            history.append(history_entry(document))
    return document, history
