"""The measures of `lastfm` as a `study.py` would have them, written by hand: what the declared ones are compared with."""

from array import array
from typing import Literal

import msgspec
from xxhash import xxh3_64_intdigest as hash64

from livelift.event_time import SECOND
from livelift.study import Study

NAMES = ("seconds", "plays", "skips", "artists")


class Play(msgspec.Struct, gc=False, frozen=True):
    """What the session operator needs of a play; the record holds more."""

    v: Literal[1]  # `livelift.events.SCHEMA`: another one is not read
    row: int
    artist_id: str
    artist: str


SKIP_MS = 30 * SECOND

FEW = 32
"""Artist numbers of a session, 8 bytes each, that are kept without looking which are there twice."""

NAMED = 1
"""Seed of the numbers of artists that have no id."""

SKIPS, LEFT_OUT, LOOK_AT = range(3)
HEAD = 3
"""An accumulator begins with: skips; plays whose number was left out; the length from which on to look for numbers that
are there twice. Artist numbers follow."""


class LastfmMeasures:
    """An accumulator is one array of 64-bit integers: a head of three, then an artist number a play.

    A play is a skip when the next play of its session follows in under `SKIP_MS`. The artist is the artist id, else
    the artist's name, as a 64-bit hash (XXH3: quicker than to look it up in a dict of all artists, which is never in the
    cache). One array, since a million users are many: sets would fill the memory, and every object more is one more to wait
    for. Numbers that are there twice leave it whenever it has doubled, so that it holds at most `FEW` or twice as many
    numbers as there are artists.
    """

    names = NAMES

    def __init__(self, study: Study) -> None:
        self.decode = msgspec.json.Decoder(Play).decode
        self._skip_ms = SKIP_MS

    def begin(self, event: Play) -> "array[int]":
        accumulator = array("Q", (0, 0, _look_at(0)))
        self.extend(accumulator, event, self._skip_ms)  # nothing came before it that it could have skipped
        return accumulator

    def extend(self, accumulator: "array[int]", event: Play, gap: int) -> None:
        if gap < self._skip_ms:
            accumulator[SKIPS] += 1
        artist_id = event.artist_id
        accumulator.append(hash64(artist_id.encode()) if artist_id else hash64(event.artist.encode(), NAMED))
        if len(accumulator) > accumulator[LOOK_AT]:
            _leave_out(accumulator)

    def finish(self, accumulator: "array[int]", start: int, last: int) -> tuple[int, ...]:
        return ((last - start) // SECOND, _plays(accumulator), accumulator[SKIPS], len(set(accumulator[HEAD:])))

    def freeze(self, accumulator: "array[int]") -> bytes:
        return accumulator.tobytes()

    def thaw(self, frozen: bytes) -> "array[int]":
        accumulator = array("Q")
        accumulator.frombytes(frozen)
        return accumulator


def _plays(accumulator: "array[int]") -> int:
    return len(accumulator) - HEAD + accumulator[LEFT_OUT]


def _look_at(artists: int) -> int:
    """The length from which on to look, of an accumulator with so many artists."""
    return HEAD + max(FEW, 2 * artists)


def _leave_out(accumulator: "array[int]") -> None:
    """Keep every artist's number once."""
    numbers = set(accumulator[HEAD:])
    accumulator[LEFT_OUT] += len(accumulator) - HEAD - len(numbers)
    accumulator[LOOK_AT] = _look_at(len(numbers))
    accumulator[HEAD:] = array("Q", numbers)


def measures(study: Study) -> LastfmMeasures:
    """The measures of this study, with its thresholds."""
    return LastfmMeasures(study)
