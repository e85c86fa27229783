"""The *Experiment* dashboard, in event time: decision, reasons, lift with its interval, guardrails, data health."""

from typing import Any

from grafana_foundation_sdk.builders import dashboard as build

from grafana import frame, panels
from grafana.dashboards.arms import arm_names, means, metric_titles
from grafana.panels import (
    ACCENT,
    BAD,
    CONTROL,
    DECISIONS,
    GOOD,
    QUIET,
    STATUSES,
    TREATMENT,
    WARNING,
    Column,
    Look,
    Query,
    Size,
    band,
)
from grafana.queries import as_of, at_ticks, day_before
from livelift.metrics import verdict as v
from livelift.study import Study

WHYS = {
    "none": "every rule met, or none decides",
    "too_few_users": "too few users",
    "unreadable": "the primary cannot be read",
    "missing_events": "events are missing",
    "sample_ratio": "arms not as assigned",
    "left_out": "arms lose users unevenly",
    "users_in_both": "users in both arms",
    "late_rows": "too many late rows",
    "rejected_rows": "too many bad rows",
    "minimum_lift": "lift below the rule's",
    "guardrail_gate": "a guardrail blocks ship",
    "guardrail_unreadable": "a guardrail cannot be read",
    "left_out_gate": "arms lose users unevenly",
    "not_clear": "no longer clearly better",
    "ended_early": "stream ended early",
    "closed": "closed early",
    "harm": "the primary is harmed",
    "guardrail": "a guardrail fails",
    "not_proven": "not proven by the end",
}

WAYS = {
    "sessions": "sessions",
    "users": "users",
    "users_adjusted": "users, adjusted (decides)",
    "per_exposed_user": "per exposed user",
}

ALARMS = {"0": ("nothing", QUIET), "1": ("HARM PROVEN SINCE", BAD)}

LIKELY_CAUSES = (
    "Likely causes of a mismatch: assignment after exposure, an arm that loses events (crash, consent, bot filter), "
    "redirects, a salt that another experiment uses, people who change arms."
)


def build_dashboard(study: Study, web: str) -> build.Dashboard:
    """The dashboard for `study`, linked to the web pages at `web`."""
    dashboard = frame.in_event_time(
        frame.frame(
            "experiment",
            study,
            "One experiment as of the end of the time range, which is event time: move it back to see the verdict as it "
            "stood then.",
            web,
        ),
        study,
    )
    for variable in (frame.study_variable(study), frame.run_variable(), frame.metric_variable(study)):
        dashboard = dashboard.with_variable(variable)
    for annotation in (_changes(), _looks()):
        dashboard = dashboard.annotation(annotation)
    for title, content in (
        ("The decision", _decision()),
        ("The metric", _metric(study)),
        ("Guardrails and health", _health(study)),
        ("The plan", _plan()),
    ):
        dashboard = dashboard.with_row(build.Row(title))
        for panel in content:
            dashboard = dashboard.with_panel(panel)
    return dashboard


def _changes() -> build.AnnotationQuery:
    state, before = at_ticks(v.DECISION), day_before(v.DECISION)
    return (
        build.AnnotationQuery().name("Decisions").datasource(panels.DATA_SOURCE).enable(True).icon_color("purple")
        .expr(f"({state} == 1) unless ({before} == 1)").step("1d")
        .title_format("decision").text_format("now {{livelift_decision}}")
    )  # fmt: skip


def _looks() -> build.AnnotationQuery:
    return (
        build.AnnotationQuery().name("Looks").datasource(panels.DATA_SOURCE).enable(False).icon_color("blue")
        .expr(f"{at_ticks(v.LOOK)} > {day_before(v.LOOK)}").step("1d")
        .title_format("a registered look").text_format("of {{study}}")
    )  # fmt: skip


def _decision() -> list[Any]:
    """Tiles, and when which decision held."""
    return [
        panels.tile(
            "Ship it?",
            "The decision as of the last tick in the time range. It is taken at registered looks only; ship and don't ship "
            "are final.",
            Query(as_of(v.DECISION_CODE)), Size(6, 4), unit="none", empty="no look yet", names=DECISIONS, filled=True,
        ),
        panels.tile(
            "What stands in the way?",
            "The rule that decides. Every rule with its number and threshold: livelift verdict, or the web pages.",
            Query(f"{as_of(v.WHY)} == 1", "{{livelift_decision_why}}"), Size(6, 4), unit="none", empty="no look yet",
            words=WHYS,
        ),
        panels.tile(
            "As of which event time?",
            "Midnight (UTC) up to which all events are in the numbers; all partitions have passed it.",
            Query(f"{as_of(v.TICK_EVENT_TIME)} * 1000"), Size(4, 4), unit="dateTimeAsIso", empty="no look yet",
        ),
        panels.tile(
            "How old is this verdict?",
            "Wall time since the last tick in the time range was evaluated.",
            Query(f"{as_of(v.TICK_TIMESTAMP)} * 1000"), Size(4, 4), unit="dateTimeFromNow", empty="no look yet",
        ),
        panels.tile(
            "Days left",
            "Days of event time to the end of the period, a begun one counted.",
            Query(f"ceil({as_of(v.REMAINING)} / 86400)"), Size(2, 4), unit="none", empty="–", decimals=0,
        ),
        panels.tile(
            "Information",
            "Information fraction: the share of the planned looks that were taken.",
            Query(as_of(v.INFORMATION)), Size(2, 4), unit="percentunit", empty="–", decimals=0,
        ),
        panels.tile(
            "Anything against a ship since?",
            "Harm, or a guardrail that failed, proven after ship had been decided: the decision stands, the change should be "
            "looked at.",
            Query(f"max({as_of(v.ALARM)})"), Size(6, 4), unit="none", empty="–", names=ALARMS, filled=True,
        ),
        panels.tile(
            "Lift when decided",
            "The primary's adjusted lift at the tick at which the decision became final.",
            Query(as_of(v.DECIDED_LIFT, estimate="observed")), Size(4, 4), unit="percentunit", empty="not decided", decimals=1,
        ),
        panels.tile(
            "The same, corrected",
            "Corrected for having stopped at it: an estimate at which a study stops is too large on average.",
            Query(as_of(v.DECIDED_LIFT, estimate="corrected")), Size(4, 4), unit="percentunit", empty="not decided",
            decimals=1,
        ),
        panels.tile(
            "Ship possible from", "The first day on which ship can be said at all: before, the calendar releases too little error.",
            Query(f"{as_of(v.SHIP_FROM)} * 1000"), Size(5, 4), unit="dateTimeAsIso", empty="–",
        ),
        panels.tile(
            "Harm possible from", "The first day on which harm can be said at all.",
            Query(f"{as_of(v.HARM_FROM)} * 1000"), Size(5, 4), unit="dateTimeAsIso", empty="–",
        ),
        panels.states(
            "How did the decision come about?",
            "The decision at each tick, over event time. Unhealthy comes and goes; ship and don't ship stay.",
            [Query(at_ticks(v.DECISION_CODE), "decision")], Size(24, 4), names=DECISIONS, event_time=True,
        ),
    ]  # fmt: skip


def _metric(study: Study) -> list[Any]:
    chosen = {"metric": "$metric"}
    control, treatment = arm_names(study).values()
    return [
        panels.chart(
            "Does ${metric:text} rise, and how sure is it?",
            "Lift of users' means, adjusted for what they did before (CUPED), with its always-valid 95 % interval: it holds "
            "at every look, however often anybody looked. Dashed: the lift that the rule asks for.",
            [
                Query(at_ticks(v.ADJUSTED, **chosen), "adjusted lift"),
                Query(at_ticks(v.HIGH, **chosen), "interval, upper"),
                Query(at_ticks(v.LOW, **chosen), "interval, lower"),
                Query(at_ticks(v.LIFT, **chosen), "plain lift"),
                Query(at_ticks(v.MINIMUM_LIFT), "the rule's minimum"),
            ],
            Size(14, 9), unit="percentunit", event_time=True, decimals=1, lines_at=[(0.0, QUIET)],
            looks={
                "adjusted lift": Look(GOOD, 3),
                "interval, upper": band(GOOD, "interval, lower"),
                "interval, lower": band(GOOD),
                "plain lift": Look(QUIET, 1),
                "the rule's minimum": Look(WARNING, 1, dashed=True),
            },
        ),
        panels.chart(
            "Has ${metric:text} crossed its boundary?",
            "The statistic of ${metric:text} against what it has to pass at each look (high at first). Primary: lift / standard error "
            "against ship on one side and harm on the other. Guardrail: worse by more than the margin, in standard errors.",
            [
                Query(at_ticks(v.Z, **chosen), "statistic"),
                Query(at_ticks(v.BOUNDARY, **chosen), "boundary (ship; guardrail fails)"),
                Query(at_ticks(v.HARM_BOUNDARY), "boundary of harm (primary)"),
            ],
            Size(10, 9), unit="none", event_time=True, decimals=1,
            looks={
                "statistic": Look(GOOD, 3),
                "boundary (ship; guardrail fails)": Look(ACCENT, 2, dashed=True),
                "boundary of harm (primary)": Look(BAD, 2, dashed=True),
            },
        ),
        panels.sheet(
            "How large is the lift, by each way to count?",
            "Sessions: every session counts the same (classic, valid for one look). Users: every user counts the same. "
            "Users, adjusted: the same, adjusted by what users did before; it decides. Per exposed user: the sum per user, "
            "whoever is left out (intention to treat).",
            "by",
            [
                Column("Lift", as_of(v.LIFT_BY), "percentunit", 1),
                Column("interval, from", as_of(v.LIFT_BY_LOW), "percentunit", 1),
                Column("to", as_of(v.LIFT_BY_HIGH), "percentunit", 1),
            ],
            Size(24, 6), "Counted by", WAYS,
        ),
        means(Size(14, 8), study),
        panels.chart(
            "Who has seen it?",
            "Users with an event in the period, and those of them with enough sessions to be counted.",
            [
                Query(at_ticks(v.EXPOSED, variant="control"), f"{control}, exposed"),
                Query(at_ticks(v.EXPOSED, variant="treatment"), f"{treatment}, exposed"),
                Query(at_ticks(v.INCLUDED, variant="control"), f"{control}, counted"),
                Query(at_ticks(v.INCLUDED, variant="treatment"), f"{treatment}, counted"),
            ],
            Size(10, 8), unit="none", event_time=True, decimals=0, lowest=0,
            looks={
                f"{control}, exposed": Look(CONTROL),
                f"{treatment}, exposed": Look(TREATMENT),
                f"{control}, counted": Look(CONTROL, 1, dashed=True),
                f"{treatment}, counted": Look(TREATMENT, 1, dashed=True),
            },
        ),
    ]  # fmt: skip


def _health(study: Study) -> list[Any]:
    worsening, titles = as_of(v.WORSENING), metric_titles(study)
    control, treatment = arm_names(study).values()
    return [
        panels.sheet(
            "Is anything else harmed?",
            "Guardrails. fail: worse by more than the margin, shown at a registered look, for good. blocks ship now: looks "
            "worse at this look. proven safe: the most that it can be worse lies below the margin. inconclusive: neither. Cannot be "
            "read: blocks ship as well, the reason is in the verdict.",
            "metric",
            [
                Column("Status", as_of(v.STATUS_CODE), "none", names=STATUSES),
                Column("Worse by", worsening, "percentunit", 1),
                Column("At most", as_of(v.AT_MOST), "percentunit", 1),
                Column("Margin", f"0 * {worsening} + on (study) group_left () {as_of(v.MARGIN)}", "percentunit", 1),
                Column("p (Holm)", f"{as_of(v.P)} and on (metric) {worsening}", "none", 3),
            ],
            Size(14, 7), "Guardrail", titles,
        ),
        panels.chart(
            "Are the arms as large as assigned?",
            "Sample-ratio check: sequential p of the split of exposed users; at or below the dashed line the verdict is "
            f"unhealthy. {LIKELY_CAUSES}",
            [
                Query(at_ticks(v.SAMPLE_RATIO_P), "p of the split"),
                Query(at_ticks(v.SAMPLE_RATIO_ALPHA), "alarm"),
            ],
            Size(10, 7), unit="none", event_time=True, log_scale=True,
            looks={
                "p of the split": Look(GOOD, 3),
                "alarm": Look(BAD, 2, dashed=True),
            },
        ),
        panels.chart(
            "Are as many users left out in both arms?",
            "Share of the exposed users with too few sessions to be counted, and the sequential p of a difference between the "
            "arms (right axis): at or below the dashed line the verdict is unhealthy, since the users who are left cannot be "
            "compared.",
            [
                Query(at_ticks(v.LEFT_OUT, variant="control"), f"{control}, left out"),
                Query(at_ticks(v.LEFT_OUT, variant="treatment"), f"{treatment}, left out"),
                Query(at_ticks(v.INCLUSION_P), "p of a difference"),
                Query(at_ticks(v.INCLUSION_ALPHA), "alarm"),
            ],
            Size(24, 7), unit="percentunit", event_time=True, decimals=1, lowest=0,
            looks={
                f"{control}, left out": Look(CONTROL, 3),
                f"{treatment}, left out": Look(TREATMENT, 3),
                "p of a difference": Look(GOOD, 1, right=True),
                "alarm": Look(BAD, 1, dashed=True, right=True),
            },
        ),
        panels.chart(
            "How bad can a guardrail be at most?",
            "Upper bound of how much worse each guardrail is. Below the margin (dashed) it is proven safe.",
            [Query(at_ticks(v.AT_MOST), "{{metric}}"), Query(at_ticks(v.MARGIN), "margin")],
            Size(14, 7), unit="percentunit", event_time=True, decimals=1,
            looks={"margin": Look(BAD, 2, dashed=True)}, words={name: titles[name] for name in study.guardrails},
        ),
        panels.chart(
            "Did the data arrive whole and in time?",
            "Shares of the rows that came too late or were rejected; beyond their limits (dashed) the verdict is unhealthy.",
            [
                Query(at_ticks(v.LATE_SHARE), "late"),
                Query(at_ticks(v.LATE_LIMIT), "limit of late"),
                Query(at_ticks(v.REJECTED_SHARE), "rejected"),
                Query(at_ticks(v.REJECTED_LIMIT), "limit of rejected"),
            ],
            Size(10, 7), unit="percentunit", event_time=True, decimals=2, lowest=0,
            looks={
                "late": Look(TREATMENT, 2),
                "limit of late": Look(TREATMENT, 1, dashed=True),
                "rejected": Look(CONTROL, 2),
                "limit of rejected": Look(CONTROL, 1, dashed=True),
            },
        ),
    ]  # fmt: skip


def _plan() -> list[Any]:
    """Can the experiment still answer its question?"""
    lift: dict[str, Any] = {"unit": "percentunit", "decimals": 1, "empty": "not known yet"}
    return [
        panels.tile(
            "Looks taken", "Registered looks so far. Each spends a part of the error that the plan allows.",
            Query(as_of(v.LOOK)), Size(4, 4), unit="none", empty="none yet",
        ),
        panels.tile(
            "Looks planned", "All of the plan, the last at the completion of the period.",
            Query(as_of(v.LOOKS)), Size(4, 4), unit="none", empty="not known yet",
        ),
        panels.tile(
            "Lift that would cross now", "Observed lift of the primary that would reach the boundary of this look.",
            Query(as_of(v.NEEDED_LIFT)), Size(4, 4), **lift,
        ),
        panels.tile(
            "Lift that can be found", "True lift that the last look finds with probability 0.8, with today's precision.",
            Query(as_of(v.DETECTABLE)), Size(4, 4), **lift,
        ),
        panels.tile(
            "Power at the rule's lift", "Probability to cross by the end if the true lift is the rule's minimum.",
            Query(as_of(v.POWER, lift="rule")), Size(4, 4), **lift, limits=((None, WARNING), (0.8, GOOD)),
        ),
        panels.tile(
            "Power at today's lift", "Probability to cross by the end if the true lift is what is seen now.",
            Query(as_of(v.POWER, lift="estimate")), Size(4, 4), **lift, limits=((None, WARNING), (0.8, GOOD)),
        ),
    ]  # fmt: skip
