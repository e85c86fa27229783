"""The `lastfm` study's event and session measures: plays, skips and distinct artists of a listening session."""

from array import array
from hashlib import blake2b
from typing import Any

import msgspec

from livelift.event_time import SECOND
from livelift.study import Study

NAMES = ("seconds", "plays", "skips", "artists")


class Play(msgspec.Struct, gc=False, frozen=True):
    """What the session operator needs of a play; the record holds more."""

    row: int
    artist_id: str
    artist: str


FEW = 32
"""Artist numbers of a session, 8 bytes each, that are kept without looking which are there twice."""


class Numbers(dict[str, int]):
    """A stable 64-bit number for each text, under a prefix. Remembers the ones it has met, up to a bound."""

    LIMIT = 500_000

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix

    def __missing__(self, text: str) -> int:
        if len(self) >= self.LIMIT:
            self.clear()
        number = int.from_bytes(blake2b(f"{self._prefix}:{text}".encode(), digest_size=8).digest(), "big")
        self[text] = number
        return number


class LastfmMeasures:
    """An accumulator is [plays, skips, artist numbers, when to look at them].

    A play is a skip when the next play of its session follows in under `skip_seconds`. The artist is the artist id, else
    the artist's name. The numbers are an array, one a play, since a million sets would fill the memory; those that are there
    twice leave it whenever it has doubled, so that it holds at most `FEW` or twice as many numbers as there are artists.
    """

    names = NAMES

    def __init__(self, study: Study) -> None:
        self.decode = msgspec.json.Decoder(Play).decode
        self._skip_ms = study.sessions.skip_ms
        self._by_id = Numbers("id")
        self._by_name = Numbers("name")

    def begin(self, event: Play) -> list[Any]:
        number = self._by_id[event.artist_id] if event.artist_id else self._by_name[event.artist]
        return [1, 0, array("Q", (number,)), FEW]

    def extend(self, accumulator: list[Any], event: Play, gap: int) -> None:
        accumulator[0] += 1
        if gap < self._skip_ms:
            accumulator[1] += 1
        artist_id = event.artist_id
        numbers = accumulator[2]
        numbers.append(self._by_id[artist_id] if artist_id else self._by_name[event.artist])
        if len(numbers) > accumulator[3]:
            accumulator[2] = array("Q", set(numbers))
            accumulator[3] = max(FEW, 2 * len(accumulator[2]))

    def finish(self, accumulator: list[Any], start: int, last: int) -> tuple[int, ...]:
        plays, skips, numbers, _ = accumulator
        return ((last - start) // SECOND, plays, skips, len(set(numbers)))

    def freeze(self, accumulator: list[Any]) -> list[Any]:
        plays, skips, numbers, _ = accumulator
        return [plays, skips, numbers.tobytes()]

    def thaw(self, frozen: list[Any]) -> list[Any]:
        plays, skips, packed = frozen
        numbers = array("Q")
        numbers.frombytes(packed)
        return [plays, skips, numbers, max(FEW, 2 * len(set(numbers)))]


def measures(study: Study) -> LastfmMeasures:
    """The measures of this study, with its thresholds."""
    return LastfmMeasures(study)
