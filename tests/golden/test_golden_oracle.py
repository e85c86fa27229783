"""The batch oracle gives the answers of the golden cases."""

from typing import Any

import pytest

from batch.oracle import ClosedSession, Oracle
from livelift.assignment import VARIANTS
from livelift.errors import InputError
from livelift.event_time import to_iso
from livelift.study import load_study
from livelift.tick_sums import Moments, TickSums
from tests.golden.cases import GoldenCase, differences, load_cases

CASES = load_cases()
STUDY = load_study("lastfm")

each_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


def _oracle(case: GoldenCase) -> Oracle:
    return Oracle(case.data, STUDY, select_from=case.select_from, select_to=case.select_to)


def _session(session: ClosedSession) -> dict[str, Any]:
    return {
        "user": session.user,
        "variant": session.variant,
        "start": to_iso(session.start),
        "end": to_iso(session.end),
        "plays": session.measures["plays"],
        "skips": session.measures["skips"],
        "artists": session.measures["artists"],
        "in_period": session.in_period,
    }


def _moments(moments: Moments) -> dict[str, Any]:
    return {
        "n": moments.n,
        "mean": moments.mean if moments.n else None,
        "variance": moments.m2 / (moments.n - 1) if moments.n > 1 else None,
    }


def _counted_parts(sums: TickSums) -> dict[str, Any]:
    """What of the document the sums say themselves, without any test or decision."""
    counts = sums.counts
    return {
        "as_of": to_iso(sums.time),
        "input": {
            "rows": counts.rows,
            "accepted": counts.accepted,
            "rejected": counts.rejected,
            "duplicates": counts.duplicates,
            "late": counts.late,
        },
        "sessions": {
            "all": sums.sessions_all,
            "in_period": sums.sessions_in_period,
            "included": sum(sums.sessions),
            "unfinished": sums.sessions_unfinished,
        },
        "variants": {
            variant: {
                "users_exposed": sums.exposed[arm],
                "users_included": sums.included[arm],
                "sessions": sums.sessions[arm],
                "events": None if sums.events is None else sums.events[arm],
            }
            for arm, variant in enumerate(VARIANTS)
        },
        "metrics": {
            name: {variant: _moments(arms[arm]) for arm, variant in enumerate(VARIANTS)}
            for name, arms in sums.classic.items()
        },
    }


def _without_readings(document: dict[str, Any]) -> dict[str, Any]:
    """The expected parts less what only the decision code can say."""
    parts = {key: value for key, value in document.items() if key not in ("decision", "health")}
    parts["metrics"] = {
        name: {key: value for key, value in metric.items() if key in VARIANTS}
        for name, metric in document["metrics"].items()
    }
    return parts


@each_case
def test_the_sessions_are_those_worked_out_by_hand(case: GoldenCase) -> None:
    with _oracle(case) as oracle:
        assert [_session(session) for session in oracle.sessions()] == case.sessions


@each_case
def test_counts_of_the_document_equal_those_worked_out_by_hand(case: GoldenCase) -> None:
    with _oracle(case) as oracle:
        if case.refused:
            assert differences(case.document["input"], _counted_input(oracle)) == []
            with pytest.raises(InputError, match="no acceptable row"):
                oracle.final()
        else:
            assert differences(_without_readings(case.document), _counted_parts(oracle.final())) == []


def _counted_input(oracle: Oracle) -> dict[str, Any]:
    counts = oracle.counts()
    return {name: getattr(counts, name) for name in ("rows", "accepted", "rejected", "duplicates", "late")}


@pytest.mark.parametrize("case", [case for case in CASES if case.sums], ids=lambda case: case.name)
def test_the_user_sums_are_those_worked_out_by_hand(case: GoldenCase) -> None:
    with _oracle(case) as oracle:
        users = oracle.final().users
    found = {
        name: {variant: users[name][arm].sum(axis=0).tolist() for arm, variant in enumerate(VARIANTS)}
        for name in case.sums
    }
    assert found == case.sums


def test_there_are_cases() -> None:
    assert len(CASES) >= 30
