"""Which arm a user is in, in SQL, by the batch oracle's own code: a hash of the user, or what the events name."""

from batch.measure_sql import literal
from batch.row_sql import fields_at
from livelift.study import Study

PERIOD = "time >= getvariable('period_start') AND time < getvariable('period_end')"

ASSIGNED = "(arm_time IS NOT NULL AND (time, row) >= (arm_time, arm_row))"
"""Of an event with its listener: has an event of the period named the user's arm by then?"""


def arm_parts(study: Study) -> dict[str, str]:
    """Placeholder → SQL, for the statements `line` to `user_day`.

    line_arm, event_arm
        Columns: the arm that an event of the period names, else null.
    variant
        The user's arm by the hash; null where events name it: `listener_arm` finds it then.
    with_arm
        Of what reads events: the join that tells when the user's arm became known.
    active
        Does an event of the period count for exposure and active days? From the one on that names the arm.
    assigned, conflict
        Of a session's events: is the user's arm known by its end, does one name the other arm?
    """
    experiment = study.experiment
    if not experiment.arm_field:
        return {
            "line_arm": "",
            "event_arm": "",
            "variant": "(variant_hash % 100 >= getvariable('control_percent'))::INTEGER",
            "with_arm": "",
            "active": PERIOD,
            "assigned": "true",
            "conflict": "false",
            "session_arm": "",
        }
    value = fields_at(study)[experiment.arm_field]
    control, treatment = literal(experiment.control_value), literal(experiment.treatment_value)
    return {
        "line_arm": f", CASE WHEN {PERIOD} THEN CASE {value} WHEN {control} THEN 0 WHEN {treatment} THEN 1 END END AS arm",
        "event_arm": ", arm",
        "variant": "NULL::INTEGER",
        "with_arm": "JOIN listener USING (listener)",
        "active": f"({PERIOD} AND {ASSIGNED})",
        "assigned": f"bool_or({ASSIGNED})",
        "conflict": "coalesce(bool_or(arm <> variant), false)",
        "session_arm": ", arm, variant, arm_time, arm_row",
    }
