"""Metrics exported about the experiment: the document of the last tick or preview, as numbers.

What is unknown is absent. Lifts, shares and p-values are ratios (0.05 = 5 %); means are in the metric's shown unit.
"""

from livelift.metrics.declare import gauge, states

DECISIONS = ("no_data", "unhealthy", "keep_running", "ship", "dont_ship")
"""In the order of their numeric codes, 0 to 4."""

WHYS = (
    "too_few_users", "unreadable", "missing_events", "sample_ratio", "left_out", "users_in_both", "late_rows", "rejected_rows",
    "minimum_lift",
    "guardrail_gate", "guardrail_unreadable", "left_out_gate", "not_clear", "ended_early", "harm", "guardrail", "not_proven", "closed",
    "none",
)  # fmt: skip
STATUSES = ("fail", "gate", "inconclusive", "proven_safe", "unreadable")
"""Of a guardrail, in the order of their numeric codes, 0 to 4."""

WAYS = ("sessions", "users", "users_adjusted", "per_exposed_user")
"""To count the primary's lift; *users_adjusted* decides."""

RUN_INFO = gauge("livelift_run_info", "1; its labels name the run that the numbers speak of.", "run", "title")

DECISION = states("livelift_decision", "The decision as of the last tick.", DECISIONS)
DECISION_CODE = gauge(
    "livelift_decision_code", "The decision: 0 no data, 1 unhealthy, 2 keep running, 3 ship, 4 don't ship."
)
WHY = states("livelift_decision_why", "Why the decision is what it is.", WHYS)
DECISION_SINCE = gauge(
    "livelift_decision_since_seconds", "Wall time since when this process has seen the decision unchanged, Unix time."
)
DECIDED_AT = gauge("livelift_decided_event_time_seconds", "The tick at which the decision became final, Unix time.")
DECIDED_LIFT = gauge(
    "livelift_decided_lift_ratio",
    "Lift of the primary when the decision became final: as observed then, and corrected for having stopped at it.",
    "estimate",
)
ALARM = gauge(
    "livelift_alarm_after_ship",
    "1 for what was proven against a ship after it was decided: harm, or guardrail:<metric>; else 0.",
    "alarm",
)
CLOSED = gauge("livelift_closed_early", "1 once a person has closed the study before its planned end.")
SHIP_FROM = gauge("livelift_ship_possible_event_time_seconds", "First day on which ship can be said, Unix time.")
HARM_FROM = gauge("livelift_harm_possible_event_time_seconds", "First day on which harm can be said, Unix time.")
TICK_EVENT_TIME = gauge("livelift_tick_event_time_seconds", "Event time of the last tick, Unix time.")
TICK_TIMESTAMP = gauge("livelift_tick_timestamp_seconds", "Wall time of the last tick, Unix time.")
VERDICT_TIMESTAMP = gauge(
    "livelift_verdict_timestamp_seconds",
    "Wall time at which the shown numbers were last brought up to date, Unix time.",
)
ENDED = gauge("livelift_stream_ended", "1 once the stream has ended.")

INPUT_ROWS = gauge(
    "livelift_input_rows", "Rows accounted for, by outcome (accepted, rejected, duplicate, late) and reason.",
    "outcome", "reason",
)  # fmt: skip
SESSIONS = gauge(
    "livelift_sessions",
    "Closed sessions: all, in_period, one_event (in period), included; unfinished: begun in the period and not counted.",
    "scope",
)
EXPOSED = gauge("livelift_users_exposed", "Users with an event in the period.", "variant")
INCLUDED = gauge("livelift_users_included", "Users with enough sessions in the period.", "variant")

LEFT_OUT = gauge("livelift_left_out_ratio", "Share of the exposed users without enough sessions.", "variant")

N = gauge("livelift_metric_n", "Units (users or sessions) behind the metric's mean.", "metric", "variant")
MEAN = gauge("livelift_metric_mean", "Mean of the metric, in its shown unit.", "metric", "variant")
MEAN_LOW = gauge("livelift_metric_mean_low", "Lower end of the mean's 95 % interval (classic).", "metric", "variant")
MEAN_HIGH = gauge("livelift_metric_mean_high", "Upper end of the mean's 95 % interval (classic).", "metric", "variant")
LIFT = gauge("livelift_metric_lift_ratio", "Plain lift: mean of treatment / mean of control - 1.", "metric")
ADJUSTED = gauge(
    "livelift_metric_adjusted_lift_ratio", "Lift of user means, adjusted by CUPED: what decides.", "metric"
)
LOW = gauge("livelift_metric_interval_low_ratio", "Lower end of the lift's always-valid interval.", "metric")
HIGH = gauge("livelift_metric_interval_high_ratio", "Upper end of the lift's always-valid interval.", "metric")
LIFT_BY = gauge("livelift_primary_lift_ratio", "Lift of the primary by each way to count.", "by")
LIFT_BY_LOW = gauge("livelift_primary_lift_low_ratio", "Lower end of that lift's interval.", "by")
LIFT_BY_HIGH = gauge("livelift_primary_lift_high_ratio", "Upper end of that lift's interval.", "by")
P = gauge("livelift_metric_p", "p: always valid for the primary, Holm's of this look for a guardrail.", "metric")
CLASSIC_P = gauge("livelift_metric_classic_p", "Welch's p of the classic reading: wrong when watched.", "metric")
Z = gauge(
    "livelift_metric_z", "Statistic: L/SE of the primary, of worse by more than the margin for a guardrail.", "metric"
)
BOUNDARY = gauge(
    "livelift_metric_boundary_z",
    "Where the statistic has to lie beyond at this look: ship, or a failed guardrail.",
    "metric",
)
HARM_BOUNDARY = gauge(
    "livelift_metric_harm_boundary_z", "Where the primary's statistic means harm at this look.", "metric"
)
WORSENING = gauge(
    "livelift_guardrail_worsening_ratio", "How much worse the guardrail is; below 0 it is better.", "metric"
)
AT_MOST = gauge(
    "livelift_guardrail_at_most_ratio", "Upper bound of the worsening; below the margin it is proven safe.", "metric"
)
MARGIN = gauge("livelift_guardrail_margin_ratio", "Worsening that a guardrail may have.")
STATUS = states("livelift_guardrail_status", "What the guardrail says.", STATUSES, "metric")
STATUS_CODE = gauge(
    "livelift_guardrail_status_code", "0 fail, 1 gate, 2 inconclusive, 3 proven safe, 4 unreadable.", "metric"
)

SAMPLE_RATIO_P = gauge("livelift_sample_ratio_p", "Sequential p of the split of exposed users.")
SAMPLE_RATIO_ALPHA = gauge("livelift_sample_ratio_alarm_p", "At or below this p the split is an alarm.")
INCLUSION_P = gauge("livelift_inclusion_ratio_p", "Sequential p of users left out in one arm more than in the other.")
INCLUSION_ALPHA = gauge("livelift_inclusion_alarm_p", "At or below this p users are left out unevenly: an alarm.")
LATE_SHARE = gauge("livelift_late_ratio", "Share of the rows that came too late.")
REJECTED_SHARE = gauge("livelift_rejected_ratio", "Share of the rows that were rejected.")
LATE_LIMIT = gauge("livelift_late_limit_ratio", "Share of late rows beyond which the study is unhealthy.")
REJECTED_LIMIT = gauge("livelift_rejected_limit_ratio", "Share of rejected rows beyond which the study is unhealthy.")

LOOK = gauge("livelift_look", "Looks taken.")
LOOKS = gauge("livelift_looks", "Looks planned.")
INFORMATION = gauge(
    "livelift_information_ratio", "Information fraction: the share of the period that the last look covers."
)
REMAINING = gauge("livelift_period_remaining_seconds", "Event time to the end of the period.")
MINIMUM_LIFT = gauge("livelift_minimum_lift_ratio", "Lift that the rule asks for, at least.")
NEEDED_LIFT = gauge("livelift_needed_lift_ratio", "Observed lift that would reach the boundary at this look.")
DETECTABLE = gauge(
    "livelift_minimum_detectable_effect_ratio",
    "True lift that the last look finds with probability 0.8, as it stands now.",
)
POWER = gauge(
    "livelift_power_ratio", "Probability to cross by the end, if the true lift is the rule's or today's.", "lift"
)
