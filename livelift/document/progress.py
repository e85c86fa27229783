"""Health of the data, how far the study is, and what can still be found."""

import msgspec


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """May the numbers be trusted?

    sample_ratio_p, sample_ratio_p_lowest, sample_ratio_p_fixed
        Sequential p of the exposed users as they stand (judged), its minimum over the ticks, and the one-look chi-square p.
        None for an observed assignment.
    inclusion_p
        Sequential p of *left out × arm* over the exposed users as they stand (judged). None for an observed assignment.
    inclusion_p_fixed
        p of the same table at one look: at or below the limit it blocks *ship* at this look.
    missing_events
        Events that were sent and had not arrived when the stream ended.
    late_share, rejected_share
        Of the rows that were selected; None before the first row.
    excluded_share
        Of the exposed users, the share without the sessions that inclusion asks for; None while nobody is exposed.
    excluded_shares
        Variant → the same of its own users.
    one_event_share
        Of the closed sessions of the period, the share with one event only, whose duration is 0; None before the first, and
        where the study has no measure that counts every event, or each event is a session by itself.
    users_in_both
        Exposed users whose events in the period named both variants; None where a hash of the user assigns: it cannot happen.
    """

    sample_ratio_p: float | None
    sample_ratio_p_lowest: float | None
    sample_ratio_p_fixed: float | None
    inclusion_p: float | None
    inclusion_p_fixed: float | None
    missing_events: int
    late_share: float | None
    rejected_share: float | None
    excluded_share: float | None
    excluded_shares: dict[str, float | None]
    one_event_share: float | None
    users_in_both: int | None


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far the study and its stream are.

    look, looks
        Looks taken, of all that the period has.
    information
        Information time k/K, a share.
    days_remaining
        Days to the planned end.
    ship_from, harm_from
        The first day (UTC date) on which *ship*, and *harm*, can be said at all: before, the calendar has released too
        little error for any crossing.
    period_complete
        No session that started in the period is open any more, and none can start.
    ended
        The stream has ended.
    """

    look: int
    looks: int
    information: float
    days_remaining: int
    ship_from: str
    harm_from: str
    period_complete: bool
    ended: bool


class Planning(msgspec.Struct, frozen=True, kw_only=True):
    """What can be found with the users that the study has; lifts as fractions, negative where lower is better.

    needed_lift
        The observed lift that would reach the boundary of this look; None while no look has been taken, and while the
        error that the calendar has released is too small for any crossing.
    needed_lift_at_end
        The same at the final look, with today's standard error.
    minimum_detectable_effect
        True lift that the final look finds with probability 0.8, with today's standard error.
    power_at_rule, power_at_estimate
        Probability of crossing at the planned end if the true lift is the rule's minimum, or today's estimate.
    days_to_boundary
        Days until the boundary on the estimate's side is reached if the estimate stays and precision keeps growing at the
        present rate; None before the first look, and where the planned end comes first.
    """

    needed_lift: float | None
    needed_lift_at_end: float | None
    minimum_detectable_effect: float | None
    power_at_rule: float | None
    power_at_estimate: float | None
    days_to_boundary: int | None
