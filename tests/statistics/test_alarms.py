"""What a decided study says later: only what was shown after the decision, with what held then and what holds now."""

from dataclasses import replace
from datetime import date

import msgspec
import pytest

from livelift.event_time import from_date
from livelift.study import Study
from livelift.tick_sums import InputCounts, TickSums
from stats.decision import engine
from tests.statistics.support import STUDY, Effects, tick
from tests.statistics.test_engine import run, with_primary

OBSERVED = msgspec.structs.replace(STUDY, experiment=msgspec.structs.replace(STUDY.experiment, assignment="observed"))


def test_a_harm_from_before_the_ship_is_no_alarm() -> None:
    """Its boundary was crossed while the data could not be trusted; what came later was better, and shipped."""
    late = InputCounts(rows=1000, accepted=900, late=100)
    state, verdicts = run([tick(10, Effects(-0.8), counts=late), *(tick(day, Effects(0.6)) for day in (26, 27, 61))])
    assert verdicts[0].decision == "unhealthy" and state.harm.crossed_at == 10
    assert [verdict.decision for verdict in verdicts[1:]] == ["ship"] * 3
    assert [verdict.alarms for verdict in verdicts] == [()] * 4


def test_a_harm_shown_again_after_the_ship_is_an_alarm_then() -> None:
    late = InputCounts(rows=1000, accepted=900, late=100)
    ticks = [tick(10, Effects(-0.8), counts=late), tick(26, Effects(0.6)), tick(40, Effects(-0.6))]
    _, verdicts = run(ticks)
    assert [(alarm.name, alarm.look) for alarm in verdicts[-1].alarms] == [("harm", 40)]


def test_an_alarm_whose_cause_is_gone_says_what_held_and_holds() -> None:
    """It says what held at the alarm and what holds now."""
    _, verdicts = run([tick(30, Effects(0.3)), tick(40, Effects(-0.3)), tick(60, Effects(0.6))])
    harmed, gone = verdicts[1].summary, verdicts[2].summary
    assert "Average session duration is harmed, shown at look 40 (-2" in harmed
    assert "is harmed" not in gone
    assert "Average session duration was shown to be harmed at look 40 (-2" in gone and "% then, +8" in gone


def test_a_guardrail_alarm_whose_cause_has_gone_says_so() -> None:
    _, verdicts = run([tick(30, Effects(0.3)), tick(45, Effects(0.3, skips=0.4)), tick(60, Effects(0.3, skips=-0.1))])
    assert "Skip rate is worse by more than 1%, shown at look 45" in verdicts[1].summary
    assert "Skip rate was shown to be worse by more than 1% at look 45 (" in verdicts[2].summary
    assert "better" in verdicts[2].alarms[0].words


def test_alarms_are_kept_in_the_stored_state() -> None:
    state, verdicts = run([tick(30, Effects(0.3)), tick(40, Effects(-0.3))])
    again, verdict = engine.step(engine.from_bytes(engine.to_bytes(state)), tick(41, Effects(0.3)), STUDY)
    assert [alarm.look for alarm in verdict.alarms] == [40] and again.alarmed["harm"].value == verdicts[1].primary.lift


def test_guardrails_that_fail_later_are_not_put_at_the_decision() -> None:
    def worse(day: int, *names: str) -> TickSums:
        sums, bad = tick(day), tick(day, Effects(skips=0.6))
        better = tick(day, Effects(skips=-0.6))
        users = {name: (bad if name == "skip_rate" else better).users["skip_rate"] for name in names}
        return replace(sums, users=sums.users | users)

    _, verdicts = run([worse(20, "skip_rate"), worse(40, "skip_rate", "artist_diversity")])
    assert [verdict.why for verdict in verdicts] == ["guardrail"] * 2
    last = verdicts[-1].summary
    assert "Skip rate was shown to be worse by more than 1% on 2009-03-21 (look 20)" in last
    assert "and since then Artists per session (look 40). Now " in last


def test_a_closed_study_says_what_held_when_it_was_closed() -> None:
    state, _ = run([tick(19, Effects(0.05))])
    closed, then = engine.close_early(state, tick(20, Effects(0.05)), STUDY, "budget")
    assert then.decision == "dont_ship" and then.primary.lift is not None
    _, later = engine.step(closed, tick(61, Effects(0.6)), STUDY)
    assert "closed early on 2009-03-21 (look 20): Average session duration was not proven better (" in later.summary
    assert "% then, +8" in later.summary


@pytest.mark.parametrize("effect", [0.8, -0.8])
def test_an_observed_study_decides_no_earlier_than_it_says(effect: float) -> None:
    """A large difference from the first day on."""
    _, verdicts = run([tick(day, Effects(effect), study=OBSERVED) for day in range(1, 40)], OBSERVED)
    first = next(verdict for verdict in verdicts if verdict.decided is not None)
    said = verdicts[0].progress.ship_from if effect > 0 else verdicts[0].progress.harm_from
    assert first.decided is not None
    assert first.decided.time == from_date(date.fromisoformat(said))


@pytest.mark.parametrize("higher", [True, False])
def test_a_primary_that_falls_to_zero_is_judged(higher: bool) -> None:
    """-100 % is a lift: the best there is where lower is better."""
    study: Study = with_primary(higher=higher)
    ticks = []
    for day in (20, 40):
        sums = tick(day, study=study)
        users = sums.users[study.decision.primary].copy()
        users[1, :, 1:] = 0
        ticks.append(replace(sums, users=sums.users | {study.decision.primary: users}))
    _, verdicts = run(ticks, study)
    last = verdicts[-1]
    assert (last.decision, last.primary.lift, last.primary.cause) == (
        "dont_ship" if higher else "ship", -1.0, "zero_treatment",
    )  # fmt: skip
    assert "-100.0%" in last.summary
