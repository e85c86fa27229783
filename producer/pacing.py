"""Replay speed: as fast as possible, or N times real time. Pure: the clock is passed in."""

import re
from dataclasses import dataclass

from livelift.errors import SettingsError
from livelift.event_time import SECOND

MAX = "max"


def parse_speed(text: str) -> float | None:
    """Event seconds per wall second of `max` (None), `600x` or `0.5x`.

    Raises
    ------
    SettingsError
        If it is neither, or not above 0.

    >>> parse_speed("600x"), parse_speed("max")
    (600.0, None)
    """
    if text == MAX:
        return None
    match = re.fullmatch(r"(\d{1,12}(?:\.\d{1,12})?)x", text, re.ASCII)
    if match is None or float(match[1]) == 0:
        raise SettingsError(f"--speed {text} is not possible", "use 'max', or a multiple of real time above 0: 600x")
    return float(match[1])


@dataclass(frozen=True, slots=True)
class Pacer:
    """When events are due: event `first` ms at wall time `began` seconds, and `speed` event seconds a second from there."""

    speed: float
    first: int
    began: float

    def event_time(self, now: float) -> int:
        """The event time that has come at wall time `now` (seconds), in ms."""
        return self.first + int((now - self.began) * self.speed * SECOND)

    def wait(self, time: int, now: float) -> float:
        """Seconds until the event at `time` ms is due; 0 when it is overdue."""
        return max(0.0, self.began + (time - self.first) / SECOND / self.speed - now)
