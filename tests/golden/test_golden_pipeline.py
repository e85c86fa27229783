"""The pipeline gives the answers of the golden cases, over any number of partitions."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from livelift.assignment import VARIANTS
from livelift.errors import InputError
from livelift.event_time import to_iso
from livelift.output_log import ClosedSession
from livelift.study import load_study
from tests.golden.cases import GoldenCase, differences, load_cases
from tests.support.documents import assert_document_form
from tests.support.pure_pipeline import run_pure

CASES = load_cases()
STUDY = load_study("lastfm")


def _session(session: ClosedSession) -> dict[str, Any]:
    _, plays, skips, artists = session.measures
    return {
        "user": session.user,
        "variant": VARIANTS[session.variant],
        "start": to_iso(session.start),
        "end": to_iso(session.end),
        "plays": plays,
        "skips": skips,
        "artists": artists,
        "in_period": session.in_period,
    }


@pytest.mark.parametrize("partitions", [1, 3])
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_pipeline_gives_the_sessions_and_the_document(case: GoldenCase, partitions: int, tmp_path: Path) -> None:
    select = {"select_from": case.select_from, "select_to": case.select_to}
    if case.refused:
        with pytest.raises(InputError):
            run_pure(case.data, tmp_path, STUDY, partitions=partitions, **select)
        return
    run = run_pure(case.data, tmp_path, STUDY, partitions=partitions, progress_every=3, seed=partitions, **select)
    assert [_session(session) for session in run.sessions] == case.sessions
    for value in (run.document, *run.history):
        assert_document_form(value)
    assert differences(case.document, msgspec.to_builtins(run.document)) == []
