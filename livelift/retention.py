"""What is known of a user at the end of a later day: was the user active again, or how many sessions began until then?"""

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
    def last_day(self) -> int:
        """So many days after the anchor day is the day at whose end it is known."""
        return self.days

    @property
    def counts_sessions(self) -> bool:
        """Is it a number of sessions, and not a return?"""
        return False

    @property
    def eligible(self) -> str:
        """The user's total of anchor days that were resolved."""
        return f"eligible.{self.anchor}.{self.days}"

    @property
    def returned(self) -> str:
        """The user's total of those with a return."""
        return f"returned.{self.anchor}.{self.days}"


class FirstDays(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The user's sessions that begin in the first days, of the users for whom these are over.

    anchor
        The first of the days: *first_activity* that of the user's first event of all, *exposure* that of the first event in the period.
    days
        How many UTC days, the first one included.
    """

    anchor: Literal["first_activity", "exposure"]
    days: int

    @property
    def last_day(self) -> int:
        """As of `Retention`: the last of the days."""
        return self.days - 1

    @property
    def counts_sessions(self) -> bool:
        return True

    @property
    def eligible(self) -> str:
        """1 once the days are over, else 0."""
        return f"over.{self.anchor}.{self.days}"

    @property
    def returned(self) -> str:
        """The user's total of the sessions, once the days are over."""
        return f"sessions.{self.anchor}.{self.days}"


LaterDay = Retention | FirstDays


def checks(key: str, retention: LaterDay, period: int) -> list[Check]:
    """(key, is it wrong, what it has to be) of a metric's retention or first days; `period` in days."""
    if isinstance(retention, FirstDays):
        return [
            (f"{key}.days", retention.days < 1, "use 1 or more days"),
            (f"{key}.days", retention.days > period, f"the period has {period} days: make it longer, or use fewer"),
        ]
    return [
        (f"{key}.days", retention.days < 1, "use 1 or more days: 1 for the next day, 7, 30"),
        (
            f"{key}.days",
            retention.days >= period,
            f"in a period of {period} days no day has one {retention.days} days later: make the period longer, or use fewer",
        ),
    ]
