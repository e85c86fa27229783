"""The engine over whole studies: what is kept, what is decided, and what a preview leaves alone."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from livelift.errors import StateError, VersionError
from livelift.event_time import DAY
from livelift.study import Study
from livelift.tick_sums import InputCounts, TickSums
from stats.decision import engine
from stats.decision.verdict import Verdict
from stats.sequential.boundaries import calendar, constants, crossings, harm_spending, obrien_fleming
from tests.statistics.support import STUDY, Effects, tick

NOTHING, GOOD, BAD = Effects(), Effects(primary=0.3), Effects(primary=-0.3)


def run(ticks: list[TickSums], study: Study = STUDY) -> tuple[engine.EngineState, list[Verdict]]:
    state, verdicts = engine.initial(study), []
    for sums in ticks:
        state, verdict = engine.step(state, sums, study)
        verdicts.append(verdict)
    return state, verdicts


def said(verdicts: list[Verdict]) -> list[tuple[str, str | None]]:
    return [(verdict.decision, verdict.why) for verdict in verdicts]


def whole(effects: Effects, **changes: object) -> list[TickSums]:
    return [tick(day, effects, **changes) for day in (0, 5, 20, 40, 61)]  # type: ignore[arg-type]


def few(day: int) -> TickSums:
    sums = tick(day, GOOD, users=98)
    assert sums.included == (49, 49)
    return sums


def test_a_good_change_ships_and_the_decision_stands() -> None:
    state, verdicts = run([*whole(GOOD), tick(62, NOTHING)])
    assert said(verdicts)[0] == ("keep_running", None)
    assert said(verdicts)[-2:] == [("ship", None)] * 2
    assert state.final is not None and verdicts[-1].decided is not None and state.final.time < STUDY.experiment.end_ms
    assert verdicts[-1].decided.time == state.final.time
    assert verdicts[-1].primary.ship.at == state.ship.crossed_at == state.final.look


def test_a_bad_change_stops_earlier_than_a_good_one_ships() -> None:
    ticks = range(3, 62, 3)
    good, bad = (run([tick(day, effects) for day in ticks])[0].final for effects in (GOOD, BAD))
    assert good is not None and bad is not None
    assert (good.decision, bad.decision, bad.why) == ("ship", "dont_ship", "harm")
    assert bad.look < good.look


def test_no_change_is_not_proven_when_the_period_is_complete() -> None:
    _, verdicts = run(whole(NOTHING))
    assert said(verdicts) == [("keep_running", None)] * 4 + [("dont_ship", "not_proven")]


def test_a_worse_guardrail_ends_a_study_with_a_better_primary() -> None:
    state, verdicts = run(whole(Effects(primary=0.3, skips=0.3)))
    assert said(verdicts)[-1] == ("dont_ship", "guardrail")
    assert list(state.failed) == ["skip_rate"]
    assert verdicts[-1].guardrails["skip_rate"].status == "fail"
    assert verdicts[-1].guardrails["skip_rate"].failed_at == state.failed["skip_rate"]


def test_a_better_guardrail_fails_nothing() -> None:
    state, verdicts = run(whole(Effects(primary=0.3, skips=-0.3)))
    assert verdicts[-1].decision == "ship" and not state.failed
    assert verdicts[-1].guardrails["skip_rate"].status == "proven_safe"


def test_a_gating_guardrail_blocks_ship_at_that_look_only() -> None:
    """Worse by enough for the fixed p of one look, too little for the boundary: gate, then fine again, then ship."""
    gated = [tick(day, Effects(primary=0.3, skips=0.05)) for day in (25, 35)]
    state, verdicts = run([*gated, tick(40, GOOD)])
    statuses = [verdict.guardrails["skip_rate"].status for verdict in verdicts]
    assert statuses[:2] == ["gate", "gate"] and statuses[2] != "gate"
    assert state.ship.crossed_at is not None
    assert said(verdicts)[1:] == [("keep_running", "guardrail_gate"), ("ship", None)]


def test_a_crossing_below_the_rules_lift_waits_for_the_lift() -> None:
    small = [tick(day, Effects(primary=0.015), noise=0.02) for day in (30, 60)]
    state, verdicts = run([*small, tick(61, Effects(primary=0.015), noise=0.02)])
    assert state.ship.crossed_at is not None
    assert said(verdicts) == [("keep_running", "minimum_lift")] * 2 + [("dont_ship", "not_proven")]


def test_with_too_few_users_there_is_no_data() -> None:
    state, verdicts = run([few(day) for day in (0, 20, 61)])
    assert said(verdicts) == [("no_data", "too_few_users")] * 3
    assert verdicts[-1].primary.lift is None and verdicts[-1].primary.p is None and verdicts[-1].primary.ci is None
    assert state.final is None


def test_ill_health_overrides_and_never_latches() -> None:
    lost = InputCounts(rows=1000, accepted=900, rejected={"date": 100})
    ticks = whole(GOOD)
    ticks[3] = replace(ticks[3], counts=lost)
    ticks.insert(4, tick(45, GOOD))
    _, verdicts = run(ticks)
    assert said(verdicts)[3:] == [("unhealthy", "rejected_rows"), ("ship", None), ("ship", None)]


def test_ill_health_is_said_over_a_decision_that_stands() -> None:
    ticks = [*whole(GOOD), replace(tick(62, GOOD), exposed=(800, 200), included=(800, 200)), tick(63, GOOD)]
    _, verdicts = run(ticks)
    assert said(verdicts)[-3:] == [("ship", None), ("unhealthy", "sample_ratio"), ("ship", None)]


def test_rows_outside_the_selection_are_no_illness() -> None:
    selected = InputCounts(rows=1000, accepted=200, rejected={"not_selected": 800})
    _, verdicts = run([tick(5, NOTHING, counts=selected)])
    assert verdicts[0].health.rejected_share == 0.0 and verdicts[0].decision == "keep_running"


def test_shares_are_of_the_selected_rows() -> None:
    counts = InputCounts(rows=1000, accepted=180, rejected={"not_selected": 800, "date": 8}, late=12)
    _, verdicts = run([tick(5, NOTHING, counts=counts)])
    assert (verdicts[0].health.late_share, verdicts[0].health.rejected_share) == (12 / 200, 8 / 200)
    assert said(verdicts) == [("unhealthy", "late_rows")]


def test_the_lowest_sample_ratio_p_is_kept_beside_the_judged_one() -> None:
    skewed = replace(tick(5, NOTHING), exposed=(270, 230))
    _, verdicts = run([skewed, tick(6, NOTHING)])
    health = [verdict.health for verdict in verdicts]
    assert health[0].sample_ratio_p == health[0].sample_ratio_p_lowest == health[1].sample_ratio_p_lowest
    assert health[0].sample_ratio_p is not None and health[1].sample_ratio_p is not None
    assert health[0].sample_ratio_p < health[1].sample_ratio_p


def test_a_stream_that_ends_early_takes_no_final_look() -> None:
    early = replace(tick(30, NOTHING), ended=True, time=STUDY.experiment.start_ms + 30 * DAY + 5)
    state, verdicts = run([tick(20, NOTHING), early])
    assert said(verdicts)[-1] == ("keep_running", "ended_early")
    assert state.look == 20 and verdicts[-1].progress.days_remaining == 31


def test_a_stream_that_ends_exactly_at_midnight_has_no_look_then() -> None:
    assert engine.look_at(replace(tick(30, NOTHING), ended=True), STUDY) == 0


@pytest.mark.parametrize(("day", "look"), [(-3, 0), (0, 0), (1, 1), (60, 60), (61, 61), (65, 61)])
def test_looks_are_the_period_s_midnights_and_its_completion(day: int, look: int) -> None:
    assert engine.look_at(tick(day, NOTHING), STUDY) == look


def test_the_period_s_end_is_no_look_while_a_session_is_open() -> None:
    """That midnight is a look only once all sessions of the period are closed."""
    assert engine.look_at(replace(tick(61, NOTHING), period_complete=False), STUDY) == 0


def test_the_stream_s_end_after_completion_changes_no_boundary() -> None:
    state, _ = run(whole(NOTHING))
    after, verdict = engine.step(state, replace(tick(61, NOTHING), ended=True), STUDY)
    assert (after.ship, after.harm, after.look) == (state.ship, state.harm, state.look)
    assert verdict.decision == "dont_ship"


def test_the_stream_s_end_is_the_final_look_of_a_complete_period() -> None:
    state, verdicts = run([tick(20, NOTHING), replace(tick(61, NOTHING), ended=True)])
    assert state.look == 61 and said(verdicts)[-1] == ("dont_ship", "not_proven")


def test_a_missed_look_is_made_up_for_by_the_next() -> None:
    every, _ = run([tick(day, NOTHING) for day in range(1, 62, 2)])
    some, _ = run([tick(day, NOTHING) for day in (3, 17, 61)])
    assert some.ship.used == every.ship.used == 50 and some.harm.used == every.harm.used == 50


def test_the_allowed_crossings_of_each_look_are_stored() -> None:
    state, verdicts = run([tick(day, NOTHING) for day in (20, 40)])
    assert [look for look, _, _ in state.allowed] == [20, 40]
    assert state.allowed[1][1:] == (verdicts[1].primary.ship.allowed, verdicts[1].primary.harm.allowed)


def test_a_preview_changes_nothing_and_decides_nothing() -> None:
    state, _ = run([tick(20, NOTHING)])
    before = engine.to_bytes(state)
    shown = engine.preview(state, tick(61, GOOD), STUDY)
    assert engine.to_bytes(state) == before
    assert shown.preview and shown.decision == "keep_running"
    assert shown.primary.ship.rank is None and shown.progress.look == 20


def test_a_preview_from_totals_is_the_preview_from_buckets() -> None:
    state, _ = run([tick(20, NOTHING)])
    sums = tick(25, GOOD)
    totals = replace(sums, users={name: part.sum(axis=1, keepdims=True) for name, part in sums.users.items()})
    assert engine.preview(state, totals, STUDY) == engine.preview(state, sums, STUDY)


def test_the_shown_interval_is_that_of_now_the_lowest_p_is_kept() -> None:
    """An effect that fades: an intersection over time would keep the early values, and end empty."""
    fading = [tick(day, Effects(primary=0.3 - 0.01 * day), users=1000) for day in range(1, 61, 3)]
    _, verdicts = run(fading)
    last, lowest = verdicts[-1].primary, [verdict.primary.p for verdict in verdicts]
    assert last.lift is not None and last.ci is not None and last.p is not None
    assert last.ci[0] < last.lift < last.ci[1] < 0
    assert (last.p <= STUDY.decision.alpha) == (not last.ci[0] <= 0 <= last.ci[1])
    assert last.p_lowest == min(p for p in lowest if p is not None)
    for verdict in verdicts:
        alone, _ = engine.step(engine.initial(STUDY), fading[verdicts.index(verdict)], STUDY)
        assert alone.lowest.p == verdict.primary.p


def test_state_survives_storing() -> None:
    state, _ = run([tick(day, Effects(primary=0.3, skips=0.3)) for day in range(1, 62, 2)])
    stored = engine.to_bytes(state)
    assert engine.from_bytes(stored) == state
    assert len(stored) < 2048


def test_a_stored_state_goes_on_as_if_it_had_not_been_stored() -> None:
    ticks = [tick(day, GOOD) for day in range(20, 40)]
    direct, verdicts = run(ticks)
    state, again = engine.initial(STUDY), []
    for sums in ticks:
        state, verdict = engine.step(engine.from_bytes(engine.to_bytes(state)), sums, STUDY)
        again.append(verdict)
    assert (state, again) == (direct, verdicts)


@pytest.mark.parametrize("stored", [b"", b"junk", msgspec.msgpack.encode([99]), msgspec.msgpack.encode({"a": 1})])
def test_a_state_of_another_schema_is_refused(stored: bytes) -> None:
    with pytest.raises(VersionError):
        engine.from_bytes(stored)


def test_a_state_of_another_study_file_is_refused() -> None:
    changed = msgspec.structs.replace(STUDY, fingerprint="0" * 16)
    with pytest.raises(StateError, match="another study file"):
        engine.step(engine.initial(STUDY), tick(1, NOTHING), changed)


def test_sums_over_other_buckets_are_refused_at_a_look() -> None:
    sums = tick(1, NOTHING)
    fewer = replace(sums, users={name: part[:, :512] for name, part in sums.users.items()})
    with pytest.raises(StateError, match="buckets"):
        engine.step(engine.initial(STUDY), fewer, STUDY)


def _with(study: Study = STUDY, **experiment: object) -> Study:
    return msgspec.structs.replace(study, experiment=msgspec.structs.replace(study.experiment, **experiment))


@pytest.mark.parametrize(("effects", "expected"), [(GOOD, ("ship", None)), (BAD, ("dont_ship", "harm"))])
def test_an_observed_assignment_crosses_the_calendars_constants(
    effects: Effects, expected: tuple[str, str | None]
) -> None:
    study = _with(assignment="observed", control_percent=30)
    state, verdicts = run([tick(day, effects, study=study) for day in (10, 30, 61)], study)
    assert said(verdicts)[-1] == expected
    assert verdicts[-1].health.sample_ratio_p is None and state.allowed == ()


def test_a_primary_that_should_fall_ships_when_it_falls() -> None:
    study = with_primary(higher=False)
    for effects, expected in ((BAD, ("ship", None)), (GOOD, ("dont_ship", "harm"))):
        _, verdicts = run(whole(effects), study)
        assert said(verdicts)[-1] == expected


def test_closing_early_ends_the_study_and_spends_only_its_look() -> None:
    """It spends no more error than that look may."""
    state, _ = run([tick(day, NOTHING) for day in (10, 20)])
    closed, verdict = engine.close_early(state, tick(25, NOTHING), STUDY, "budget is gone")
    assert (verdict.decision, verdict.why) == ("dont_ship", "not_proven")
    assert verdict.summary.startswith(
        "Don't ship: the study was closed early and Average session duration is not proven"
    )
    usual, _ = engine.step(state, tick(25, NOTHING), STUDY)
    assert (closed.ship, closed.harm) == (usual.ship, usual.harm)
    assert verdict.progress.look == 25 and verdict.progress.information == 25 / 61
    assert verdict.deviations == ("closed early after 25 of 61 looks: budget is gone",)
    assert "no longer holds" in verdict.guarantee[0]
    after, later = engine.step(closed, tick(30, GOOD), STUDY)
    assert later.decision == "dont_ship"
    assert after.look == 30  # its looks go on: what they show would be an alarm
    with pytest.raises(StateError, match="ended already"):
        engine.close_early(closed, tick(31, NOTHING), STUDY, "again")


def test_a_study_closes_at_its_own_tick_whatever_it_can_say_then() -> None:
    """Neither data that cannot be trusted nor too few users let it go on to a ship on later data."""
    state, _ = run([tick(day, GOOD) for day in (10, 20)])
    ill = replace(tick(40, GOOD), counts=InputCounts(rows=1000, accepted=800, rejected={"date": 200}))
    closed, verdict = engine.close_early(state, ill, STUDY, "over")
    assert (verdict.decision, verdict.why) == ("unhealthy", "rejected_rows")
    assert verdict.decided is not None and (verdict.decided.decision, verdict.decided.why) == ("dont_ship", "closed")
    _, later = engine.step(closed, tick(44, GOOD), STUDY)
    assert (later.decision, later.why) == ("dont_ship", "closed")
    small, _ = run([few(5)])
    _, verdict = engine.close_early(small, few(6), STUDY, "over")
    assert (verdict.decision, verdict.why) == ("dont_ship", "closed")
    assert "closed early, before it could say anything" in verdict.summary


def test_the_tick_that_completes_the_period_is_no_early_close() -> None:
    state, _ = run([tick(20, NOTHING)])
    with pytest.raises(StateError, match="ended already"):
        engine.close_early(state, tick(61, NOTHING), STUDY, "too late")


def test_closing_between_looks_repeats_the_last_one() -> None:
    """It spends what the last look left of its error."""
    state, _ = run([tick(40, NOTHING)])
    between = replace(tick(41, GOOD), ended=True, time=STUDY.experiment.start_ms + 40 * DAY + 5)
    closed, verdict = engine.close_early(state, between, STUDY, "the stream stopped")
    assert (
        verdict.progress.look == 40 and closed.ship.used <= crossings(calendar(61, 61), 0.025, obrien_fleming, 2000)[39]
    )
    assert verdict.decision == "dont_ship"


def test_closing_early_ships_what_is_proven_by_then() -> None:
    state, _ = run([tick(20, NOTHING)])
    assert state.final is None
    _, verdict = engine.close_early(state, tick(40, GOOD), STUDY, "launch date")
    assert verdict.decision == "ship"


def test_every_rule_is_said_with_its_number_and_threshold() -> None:
    _, verdicts = run(whole(NOTHING))
    rules = {rule.name: rule for rule in verdicts[-2].reasons}
    assert set(rules) == {
        "users", "sample_ratio", "inclusion", "late_rows", "rejected_rows", "harm", "primary", "minimum_lift", "period",
        *(f"guardrail:{name}" for name in STUDY.guardrails),
    }  # fmt: skip
    assert (rules["users"].number, rules["users"].threshold, rules["users"].passed) == (200, 50, True)
    assert rules["minimum_lift"].threshold == 0.02 and rules["minimum_lift"].passed is True
    assert "random splits of the users look at least as good" in rules["primary"].words
    assert all(rule.words for rule in rules.values())


def test_users_in_both_variants_are_counted_against_a_limit() -> None:
    _, verdict = engine.step(engine.initial(STUDY), replace(tick(5, NOTHING), users_in_both=3), STUDY)
    rules = {rule.name: rule for rule in verdict.reasons}
    exposed = sum(tick(5, NOTHING).exposed)
    assert 3 / exposed < 0.01 and rules["users_in_both"].number == 3 / exposed
    assert rules["users_in_both"].passed is True and rules["users_in_both"].words.startswith(
        "3 users were seen in both"
    )
    assert verdict.decision == "keep_running"


def test_who_is_left_out_is_said_arm_by_arm_with_its_test() -> None:
    even, uneven = replace(tick(5, NOTHING), exposed=(250, 250)), replace(tick(5, NOTHING), exposed=(210, 240))
    said_of = []
    for sums in (even, uneven):
        _, verdict = engine.step(engine.initial(STUDY), sums, STUDY)
        said_of.append(({rule.name: rule for rule in verdict.reasons}["inclusion"], verdict))
    (calm, _), (alarmed, verdict) = said_of
    assert calm.passed is True
    assert calm.words.startswith(
        "left out, with fewer than 3 sessions: 20.0% of control, 20.0% of variant B (p of a diff"
    )
    assert alarmed.passed is False and "4.8% of control, 16.7% of variant B" in alarmed.words
    assert (verdict.decision, verdict.why) == ("unhealthy", "left_out")
    assert "4.8% of control, 16.7% of variant B" in verdict.summary


def test_the_health_of_the_exposure_is_in_the_verdict() -> None:
    sums = replace(tick(5, NOTHING), exposed=(250, 400), sessions_in_period=1000, sessions_one_event=70)
    _, verdict = engine.step(engine.initial(STUDY), sums, STUDY)
    health = verdict.health
    assert health.excluded_share == pytest.approx(250 / 650)
    assert health.excluded_shares == pytest.approx({"control": 0.2, "treatment": 0.5})
    assert (health.one_event_share, health.users_in_both) == (0.07, None)
    _, verdict = engine.step(
        engine.initial(STUDY), replace(sums, exposed=(0, 0), included=(0, 0), sessions_in_period=0), STUDY
    )
    assert verdict.health.excluded_share is verdict.health.one_event_share is None


def test_the_verdict_is_plain_values_for_json() -> None:
    _, verdicts = run(whole(GOOD))
    for verdict in verdicts:
        assert msgspec.json.decode(msgspec.json.encode(verdict), type=Verdict) == verdict


def test_scores_computed_for_many_looks_give_the_same_verdicts() -> None:
    """They equal those of scores computed look by look."""
    ticks = whole(GOOD)
    scores = engine.draw_scores(np.array([sums.users[STUDY.decision.primary] for sums in ticks]), STUDY)
    state, verdicts = engine.initial(STUDY), []
    for sums, of_look in zip(ticks, scores, strict=True):
        state, verdict = engine.step(state, sums, STUDY, of_look)
        verdicts.append(verdict)
    assert (state, verdicts) == run(ticks)


def test_planning_says_what_a_crossing_needs() -> None:
    _, verdicts = run([tick(30, NOTHING)])
    planning, primary = verdicts[0].planning, verdicts[0].primary
    assert planning.needed_lift is not None and primary.boundary is not None and primary.se is not None
    assert planning.needed_lift == pytest.approx(np.expm1(primary.boundary * primary.se))
    assert planning.minimum_detectable_effect is not None and planning.power_at_rule is not None
    assert 0 < planning.power_at_rule < 1


@pytest.mark.parametrize("higher", [True, False])
def test_each_interval_end_uses_its_deciding_tail_s_constant(higher: bool) -> None:
    study = with_primary(higher)
    _, verdicts = run([tick(30, NOTHING)], study)
    primary = verdicts[0].primary
    assert primary.interval is not None and primary.log_lift is not None and primary.se is not None
    times = calendar(61, 61)
    assert primary.boundary == constants(times, 0.025, obrien_fleming)[29]
    assert primary.harm_boundary == constants(times, 0.025, harm_spending)[29]
    low, high = (primary.boundary, primary.harm_boundary) if higher else (primary.harm_boundary, primary.boundary)
    ends = (np.expm1(primary.log_lift - low * primary.se), np.expm1(primary.log_lift + high * primary.se))
    assert primary.interval == pytest.approx(ends)


@pytest.mark.parametrize(("effects", "side"), [(GOOD, 0), (BAD, 1)])
def test_no_interval_denies_the_crossing_that_it_stands_beside(effects: Effects, side: int) -> None:
    state = engine.initial(STUDY)
    for day in range(2, 62):
        strength = 0.15 if side == 0 else -0.15
        state, verdict = engine.step(state, tick(day, Effects(strength), seed=day), STUDY)
        tail = verdict.primary.harm if side else verdict.primary.ship
        if tail.at == verdict.progress.look:
            assert verdict.primary.interval is not None
            assert verdict.primary.interval[0] > 0 if side == 0 else verdict.primary.interval[1] < 0
            return
    pytest.fail("nothing was crossed")


def with_primary(higher: bool) -> Study:
    metrics = dict(STUDY.metrics)
    name = STUDY.decision.primary
    metrics[name] = msgspec.structs.replace(metrics[name], higher_is_better=higher)
    return msgspec.structs.replace(STUDY, metrics=metrics)
