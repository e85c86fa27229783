"""Data health at a tick: sample ratio, attrition, late and rejected rows."""

from livelift.assignment import VARIANTS
from livelift.document.progress import Health
from livelift.study import Study
from livelift.tick_sums import InputCounts, TickSums
from stats.checks.left_out import association_p
from stats.checks.left_out import fixed_p as left_out_fixed_p
from stats.checks.sample_ratio import fixed_p, sequential_p

NOT_CHOSEN = "not_selected"
"""Rows that the person left out with --from/--to are neither good nor bad."""


def read_health(sums: TickSums, study: Study, lowest: float | None) -> Health:
    """Sample ratio of exposed and of included users, shares of late and rejected rows, and the health of the exposure.

    `lowest` is the smallest sequential p of the earlier ticks.
    """
    late, rejected = _shares(sums.counts)
    in_period, single = sums.sessions_in_period, sums.sessions_one_event
    one_event = single / in_period if in_period and single is not None else None
    now = fixed = inclusion = inclusion_fixed = None
    if study.experiment.assignment == "randomised":
        share = study.experiment.control_percent / 100
        concentration = study.health.sample_ratio_concentration
        now = sequential_p(sums.exposed, (share, 1 - share), concentration)
        fixed = fixed_p(sums.exposed, (share, 1 - share))
        lowest = now if lowest is None else min(now, lowest)
        left_out = sums.exposed[0] - sums.included[0], sums.exposed[1] - sums.included[1]
        if min(sums.exposed) > 0:
            inclusion = association_p(left_out, sums.exposed)
            inclusion_fixed = left_out_fixed_p(left_out, sums.exposed)
    return Health(
        sample_ratio_p=now,
        sample_ratio_p_lowest=lowest,
        sample_ratio_p_fixed=fixed,
        inclusion_p=inclusion,
        inclusion_p_fixed=inclusion_fixed,
        missing_events=sums.counts.missing,
        late_share=late,
        rejected_share=rejected,
        excluded_share=_excluded(sum(sums.included), sum(sums.exposed)),
        excluded_shares={
            variant: _excluded(sums.included[arm], sums.exposed[arm]) for arm, variant in enumerate(VARIANTS)
        },
        one_event_share=one_event,
        users_in_both=sums.users_in_both,
    )


def in_both_share(health: Health, exposed: tuple[int, int]) -> float | None:
    """Of the exposed users, the share whose events named both arms; None where that cannot happen, or nobody is exposed."""
    users = exposed[0] + exposed[1]
    return None if health.users_in_both is None or not users else health.users_in_both / users


def _excluded(included: int, exposed: int) -> float | None:
    return 1.0 - included / exposed if exposed else None


def _shares(counts: InputCounts) -> tuple[float | None, float | None]:
    """Late rows as a share of those so far, rejected ones of the whole input where that is known; of the selected rows."""
    left_out = counts.rejected.get(NOT_CHOSEN, 0)
    rows = counts.rows - left_out
    if rows <= 0:
        return None, None
    whole = rows if counts.input_rows is None else max(counts.input_rows - left_out, rows)
    rejected = sum(number for reason, number in counts.rejected.items() if reason != NOT_CHOSEN)
    return counts.late / rows, rejected / whole
