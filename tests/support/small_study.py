"""The `lastfm` study with a short period, so that a few days of events exercise all of its rules."""

from datetime import date

import msgspec

from livelift.event_time import DAY
from livelift.study import Study, load_study

MINUTE = 60_000


def small_study(days: int = 4, **statistics: int) -> Study:
    """lastfm with a period of `days` from 1970-01-11, a pre-period of 3 days, and few buckets, flips and users."""
    study = load_study("lastfm")
    replace = msgspec.structs.replace
    return replace(
        study,
        experiment=replace(
            study.experiment, period_start=date(1970, 1, 11), period_end=date(1970, 1, 11 + days), pre_period_days=3
        ),
        statistics=replace(study.statistics, **({"buckets": 16, "flips": 100, "minimum_users": 2} | statistics)),
    )


START = 10 * DAY
"""The first instant of the small study's period."""
