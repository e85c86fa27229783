"""A document as stats makes it, without a run."""

from functools import cache
from typing import Any

import msgspec

from livelift.document import Document
from stats import engine
from stats.document import make_document
from tests.statistics.support import STUDY, tick


@cache
def _made() -> Document:
    sums = tick(5)
    _, verdict = engine.step(engine.initial(STUDY), sums, STUDY)
    return make_document(STUDY, "run", sums, verdict)


def sample_document(**changes: Any) -> Document:
    """The document of a made-up tick, with `changes`."""
    return msgspec.structs.replace(_made(), **changes)
