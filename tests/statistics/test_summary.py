"""The summary sentence for every state of a study."""

from dataclasses import replace

import msgspec
import pytest

from livelift.document import history_entry
from livelift.study import Study
from livelift.tick_sums import InputCounts, TickSums
from stats.decision import engine
from stats.decision.verdict import Verdict
from stats.edges.document import make_document
from stats.edges.redis_store import headline
from tests.statistics.support import STUDY, Effects, tick

GOOD, BAD, NONE = Effects(0.3), Effects(-0.3), Effects()
SMALL = {"users": 20_000, "noise": 0.1}


def end_of(ticks: list[TickSums], study: Study = STUDY) -> Verdict:
    state = engine.initial(study)
    for sums in ticks:
        state, verdict = engine.step(state, sums, study)
    return verdict


def over(effects: Effects, *days: int, **made: object) -> list[TickSums]:
    return [tick(day, effects, **made) for day in days]  # type: ignore[arg-type]


LATE = InputCounts(rows=100, accepted=90, late=10)
REJECTED = InputCounts(rows=100, accepted=90, rejected={"date": 10})


@pytest.mark.parametrize(
    ("ticks", "why", "words"),
    [
        (over(NONE, 3, users=98), "too_few_users", "No verdict yet: 49 and 49 users, each group needs 50."),
        ([replace(tick(1), exposed=(0, 0), included=(0, 0))], "too_few_users", "nobody has been seen yet in the period, 2009-03-01 to 2009-04-30"),
        (over(NONE, 20), None, "Keep running: nothing is proven yet (Average session duration +3.9% now), look 20 of 61"),
        (over(GOOD, 20, 40), None, "Ship: Average session duration is better (+40.2% now), shown at look 40, and no"),
        (over(BAD, 20, 40), "harm", "Don't ship: Average session duration is harmed, decided on 2009-03-21 (look 20) at -23.0%, -23.0% now."),
        (over(Effects(0.3, 0.3), 20, 40), "guardrail", "Don't ship: Skip rate was shown to be worse by more than 1% on 2009-03-21 (look 20). Now "),
        (over(NONE, 20, 61), "not_proven", "Don't ship: the period is over and Average session duration is not proven"),
        (over(Effects(0.015), 40, **SMALL), "minimum_lift", "Keep running: Average session duration is better, but the lift is +1.6% now"),
        (over(Effects(0.015), 40, 61, **SMALL), "not_proven", "Average session duration is better, but the lift is +1.6%, and ship needs more than +2%."),
        ([replace(tick(22), ended=True, time=tick(22).time + 5)], "ended_early", "the stream ended with 39 days missing"),
        ([replace(tick(5), exposed=(300, 200))], "sample_ratio", "the users are not split 50:50 as promised"),
        ([replace(one, users_in_both=sum(one.exposed) // 10) for one in over(GOOD, 20, 40)], "users_in_both", "10.0% of the users were seen in both groups, the limit is 1%"),
        ([replace(tick(5), counts=LATE)], "late_rows", "10.0% of the rows came too late, the limit is 1%"),
        ([replace(tick(5), counts=REJECTED)], "rejected_rows", "10.0% of the rows were rejected, the limit is 5%"),
    ],
)  # fmt: skip
def test_the_summary_says_the_decision_and_its_reason(ticks: list[TickSums], why: str | None, words: str) -> None:
    verdict = end_of(ticks)
    assert verdict.why == why
    assert words in verdict.summary


NAMED = msgspec.structs.replace(
    STUDY,
    experiment=msgspec.structs.replace(
        STUDY.experiment, arm_field="variant", control_value="old", treatment_value="it's new"
    ),
)
UNSEEN = "; no closed session of the period has an event whose 'variant' is"


@pytest.mark.parametrize(
    ("sums", "words"),
    [
        (replace(tick(1), exposed=(0, 0), included=(0, 0)), f"seen yet in the period, 2009-03-01 to 2009-04-30{UNSEEN} 'old' or \"it's new\"."),
        (replace(tick(0), exposed=(0, 0), included=(0, 0)), "2009-03-01 to 2009-04-30; events before it are the users' past."),
        (replace(tick(61), exposed=(0, 0), included=(0, 0), ended=True), f"0 and 0 users, each group needs 50{UNSEEN} 'old' or \"it's new\"."),
        (replace(tick(5), exposed=(0, 90), included=(0, 80)), f"0 and 80 users, each group needs 50{UNSEEN} 'old'."),
        (replace(tick(5), exposed=(0, 300), included=(0, 300)), f"not split 50:50 as promised (p < 0.001){UNSEEN} 'old'."),
        (replace(tick(5), exposed=(300, 200)), "not split 50:50 as promised (p < 0.001)."),
    ],
)  # fmt: skip
def test_an_arm_that_no_event_names_is_said(sums: TickSums, words: str) -> None:
    """A mistyped value in the study file would else look like a missing or uneven audience."""
    assert end_of([sums], NAMED).summary.endswith(words)


@pytest.mark.parametrize(
    ("both", "words"),
    [
        (0, "nobody was seen in both variants, limit 1%"),
        (1, "1 user was seen in both variants (0.2% of the exposed), limit 1%"),
        (40, "40 users were seen in both variants (10.0% of the exposed), limit 1%"),
    ],
)
def test_users_in_both_arms_are_counted_in_words(both: int, words: str) -> None:
    reasons = end_of([replace(tick(5), users_in_both=both)]).reasons
    (rule,) = [rule for rule in reasons if rule.name == "users_in_both"]
    assert (rule.words, rule.passed) == (words, both < 5)


def test_the_last_look_tells_sessions_waited_for_and_how_long() -> None:
    waiting = replace(tick(61, NONE), period_complete=False, sessions_unfinished=3)
    verdict = end_of([*over(NONE, 20), waiting])
    words = "waits for 3 sessions that began in it and still go on, until 2009-05-02 at the latest"
    assert verdict.summary.startswith(f"Keep running: the period is over, and the last look {words}")
    assert verdict.reasons[-1].words.endswith(words)
    given_up = end_of([*over(NONE, 20), replace(tick(62, NONE), sessions_unfinished=3)])
    assert given_up.reasons[-1].words == (
        "the period is complete; 3 sessions that began in it were still open on 2009-05-02 and are not counted"
    )


def test_a_guardrail_that_blocks_for_now_is_named() -> None:
    """A skip rate worse by about 8 %: too little to fail at this look, enough to block."""
    ticks = over(Effects(0.3, 0.05), 40)
    verdict = end_of(ticks)
    assert (verdict.decision, verdict.why) == ("keep_running", "guardrail_gate")
    assert "but Skip rate is worse at this look (" in verdict.summary


def test_the_headline_and_the_history_carry_the_summary() -> None:
    sums = tick(20)
    verdict = end_of([sums])
    document = make_document(STUDY, "run", sums, verdict)
    assert document.summary == headline(document)["reason"] == history_entry(document).summary == verdict.summary
