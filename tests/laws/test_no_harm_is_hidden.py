"""Logs with obvious harm never end in *ship*, on the stream and in the batch oracle."""

import random
from pathlib import Path
from typing import Any

import pytest

from batch.document import batch_document
from livelift.document import Document, HistoryEntry
from livelift.study import load_study
from local.equality import differences
from tests.support.documents import assert_document_form
from tests.support.made_log import Listening, Rule, User, made_log
from tests.support.pure_pipeline import run_pure

STUDY = load_study("lastfm")


def judged(folder: Path, rule: Rule, **made: Any) -> tuple[Document, list[HistoryEntry]]:
    """The document and the history of a made log, computed by the stream and by the batch, and equal."""
    data = made_log(folder / "log.tsv", STUDY, rule, **made)
    document, history = batch_document(data, STUDY)
    run = run_pure(data, folder / "cache", STUDY, partitions=3)
    assert list(differences(run.document, document)) == []
    live = {entry.as_of: entry for entry in run.history}
    for entry in history:
        assert list(differences(live[entry.as_of], entry)) == []
    for value in (document, *history):
        assert_document_form(value)
    return document, history


def lasting(user: User, chance: random.Random, lift: float = 0.0) -> int:
    return int(1800 * user.typical * (1 + lift * user.treated) * chance.lognormvariate(0, 0.2))


def test_treated_users_who_never_come_back_and_skip_are_no_ship(tmp_path: Path) -> None:
    """Retention 58 % → 0, skips 0 → a third, duration +15 %: a guardrail with a mean of 0 in an arm is read."""

    def rule(user: User, day: int, chance: random.Random) -> list[Listening]:
        if user.treated:  # every other day, twice
            return [Listening(lasting(user, chance, 0.15), 4, skips=2)] * 2 if day % 2 == user.number % 2 else []
        return [Listening(lasting(user, chance), 4)] if chance.random() < 0.58 else []

    document, _ = judged(tmp_path, rule)
    assert (document.decision, document.why) == ("dont_ship", "guardrail")
    retention = document.metrics["d1_retention"].sequential
    assert (retention.status, retention.treatment, retention.worsening) == ("fail", 0.0, 1.0)
    assert document.metrics["skip_rate"].sequential.status == "fail"
    assert "D1 retention were shown to be worse by more than 1%" in document.summary
    assert "0.0% in variant B: 100.0% worse" in document.summary


def test_skips_in_one_arm_only_are_no_ship(tmp_path: Path) -> None:
    def rule(user: User, day: int, chance: random.Random) -> list[Listening]:
        return [Listening(lasting(user, chance, 0.4), 4, skips=int(user.treated))] if day % 2 else []

    document, _ = judged(tmp_path, rule)
    assert (document.decision, document.why) == ("dont_ship", "guardrail")
    assert document.metrics["skip_rate"].sequential.worsening is None  # no fraction of 0 says anything
    assert "0.0% in control" in document.summary


def test_skips_of_nobody_say_nothing_and_block_nothing(tmp_path: Path) -> None:
    def rule(user: User, day: int, chance: random.Random) -> list[Listening]:
        return [Listening(lasting(user, chance, 0.4), 4)] if (day + user.number) % 2 else []

    document, _ = judged(tmp_path, rule)
    assert document.decision == "ship"
    skips = document.metrics["skip_rate"].sequential
    assert (skips.status, skips.cause) == ("inconclusive", "all_zero")
    rule_of = next(rule.words for rule in document.rules if rule.name == "guardrail:skip_rate")
    assert "it is 0 for everybody" in rule_of


def test_a_guardrail_without_values_blocks_ship_and_says_why(tmp_path: Path) -> None:
    """Treated users are only active on the period's last day: no day of theirs has a next one in it."""

    def rule(user: User, day: int, chance: random.Random) -> list[Listening]:
        if user.treated:
            return [Listening(lasting(user, chance, 0.4))] * 4 if day == 60 else []
        return [Listening(lasting(user, chance))] if day % 15 == 0 else []

    document, _ = judged(tmp_path, rule)
    assert document.decision in ("dont_ship", "unhealthy", "keep_running")
    retention = document.metrics["d1_retention"].sequential
    assert (retention.status, retention.cause) == ("unreadable", "few_values")
    words = next(rule.words for rule in document.rules if rule.name == "guardrail:d1_retention")
    assert "100 in control, 0 in variant B, each needs 50" in words


def test_an_arm_that_loses_users_is_unhealthy_with_both_shares(tmp_path: Path) -> None:
    """15 % of treated users leave after one session, the others' sessions are 20 % longer."""

    def rule(user: User, day: int, chance: random.Random) -> list[Listening]:
        if user.treated and user.number % 100 < 15 and day > user.number % 20:
            return []
        if user.treated and user.number % 100 < 15 and day < user.number % 20:
            return []
        return [Listening(lasting(user, chance, 0.2))] if chance.random() < 0.8 or day == user.number % 20 else []

    document, history = judged(tmp_path, rule, each=300)
    assert (document.decision, document.why) == ("unhealthy", "left_out")
    assert "0.0% of control, 15.0% of variant B" in document.summary
    assert "ship" not in {entry.decision for entry in history}
    each = document.metrics["session_duration"].sequential.per_exposed_user
    assert each.treatment / each.control == pytest.approx(0.85 * 1.2, abs=0.06)


def test_a_ship_that_turns_into_harm_is_alarmed(tmp_path: Path) -> None:
    """+30 % to look 30, far below control after: decided ship then, harmed now."""

    def rule(user: User, day: int, chance: random.Random) -> list[Listening]:
        return [Listening(lasting(user, chance, 0.3 if day < 30 else -0.8), 2)] * (1 if day < 30 else 3)

    document, history = judged(tmp_path, rule)
    assert document.decision == "ship" and document.decided.look < 31
    assert document.alarms[0].name == "harm"
    look = document.alarms[0].look
    assert look > 30 and not any(entry.alarms for entry in history if entry.progress.look < look)
    assert "But since then" in document.summary and "is harmed, shown at look" in document.summary
    assert document.metrics["session_duration"].sequential.ci[1] < 0


def test_sessions_that_fall_by_86_per_cent_are_86_per_cent_worse(tmp_path: Path) -> None:
    def rule(user: User, day: int, chance: random.Random) -> list[Listening]:
        return [Listening(lasting(user, chance))] if day % 7 == 0 or not user.treated else []

    document, _ = judged(tmp_path, rule)
    sessions = document.metrics["sessions_per_user"].sequential
    assert sessions.worsening == pytest.approx(1 - 9 / 61, abs=1e-9)
    assert sessions.status == "fail" and 0 < sessions.at_most <= 1
    words = next(rule.words for rule in document.rules if rule.name == "guardrail:sessions_per_user")
    assert "61 sessions in control, 9 sessions in variant B: 85.2% worse" in words


@pytest.mark.parametrize("lengths", [(0, 0), (600, 600)])
def test_a_primary_without_spread_is_said_as_such(lengths: tuple[int, int], tmp_path: Path) -> None:
    """Never "each group needs 50" where there are 60."""

    def rule(user: User, day: int, chance: random.Random) -> list[Listening]:
        return [Listening(lengths[user.treated], 1 if lengths[0] == 0 else 3)] if day % 3 == 0 else []

    document, _ = judged(tmp_path, rule, each=60)
    assert (document.decision, document.why) == ("no_data", "unreadable")
    cause = "it is 0 for everybody" if lengths[0] == 0 else "it is the same for everybody"
    assert document.summary == f"No verdict: Average session duration cannot be compared, {cause}."


def test_a_primary_that_falls_to_nothing_is_harmed(tmp_path: Path) -> None:
    def rule(user: User, day: int, chance: random.Random) -> list[Listening]:
        return [Listening(0 if user.treated else lasting(user, chance), 1 if user.treated else 3)]

    document, _ = judged(tmp_path, rule)
    assert document.decision == "dont_ship"
    reading = document.metrics["session_duration"].sequential
    assert (reading.cause, reading.lift, reading.harm.at) == ("zero_treatment", -1.0, 9)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_fifty_users_an_arm_without_effect_decide_nothing(seed: int, tmp_path: Path) -> None:
    """Most draws leave an arm below the minimum of 50: the study's own course is no more special than those that don't."""

    def rule(user: User, day: int, chance: random.Random) -> list[Listening]:
        return [Listening(lasting(user, chance))] if day % 5 == user.number % 5 else []

    document, _ = judged(tmp_path, rule, each=50, seed=seed)
    assert (document.decision, document.why) == ("dont_ship", "not_proven")
