"""Retention: was a user active again, some days after an anchor day of the period?"""

from typing import Literal

import msgspec

from livelift.checked import Check


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which later day is looked at. An anchor day is counted once that later day is over.

    anchor
        *every_day*: each active day; *first_activity*: the day of the user's first event of all; *exposure*: the day of the
        user's first event in the period.
    """

    anchor: Literal["every_day", "first_activity", "exposure"]
    days: int

    @property
    def eligible(self) -> str:
        """The user's total of anchor days that were resolved."""
        return f"eligible.{self.anchor}.{self.days}"

    @property
    def returned(self) -> str:
        """The user's total of those with a return."""
        return f"returned.{self.anchor}.{self.days}"


def checks(key: str, retention: Retention, period: int) -> list[Check]:
    """(key, is it wrong, what it has to be) of a metric's retention; `period` in days."""
    return [
        (f"{key}.days", retention.days < 1, "use 1 or more days: 1 for the next day, 7, 30"),
        (
            f"{key}.days",
            retention.days >= period,
            f"in a period of {period} days no day has one {retention.days} days later: make the period longer, or use fewer",
        ),
    ]
