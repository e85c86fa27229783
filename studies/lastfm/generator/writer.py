"""Encodes rows in the published format."""

from collections.abc import Iterator
from functools import cache
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from livelift.event_time import DAY, to_iso
from studies.lastfm.generator.faults import Fault, user_id
from studies.lastfm.generator.listening import Listening
from studies.lastfm.generator.music import Music
from studies.lastfm.generator.names import Strings, artists, track_ids, track_titles
from studies.lastfm.generator.randomness import Ints


def write_rows(file: IO[bytes], listening: Listening, music: Music, faults: dict[int, list[Fault]]) -> int:
    """Write all rows of some users, newest first within each, with their duplicates and bad lines; how many lines.

    `faults` by index of the user.
    """
    user = listening.sessions.user[listening.plays.session]
    order = _newest_first(user)
    order = np.repeat(order, 1 + listening.plays.twice[order])
    user, time = user[order], listening.time[order]
    rows = _lines(user, time, Music(music.artist[order], music.track[order]))
    ends = np.frombuffer(rows.buffers()[1], dtype=np.int32)
    content = memoryview(rows.buffers()[2])
    written = 0
    inserted = list(_insertions(user, time, faults))
    for row, line in inserted:
        file.write(content[written : ends[row]])
        file.write(line)
        written = ends[row]
    file.write(content[written : ends[len(rows)]])
    return len(rows) + len(inserted)


def _newest_first(user: Ints) -> Ints:
    """The order that turns each user's rows around."""
    first = np.searchsorted(user, user, side="left")
    end = np.searchsorted(user, user, side="right")
    return first + end - 1 - np.arange(len(user))


def _lines(user: Ints, time: Ints, music: Music) -> Strings:
    """One string a row, ending in LF."""
    day, second = np.divmod(time, 86_400)
    first_user, first_day = user[0], day.min()
    users = pa.array([f"{user_id(index)}\t" for index in range(first_user, user[-1] + 1)])
    days = pa.array([to_iso(int(index) * DAY)[:11] for index in range(first_day, day.max() + 1)])
    return pc.binary_join_element_wise(
        pc.take(users, pa.array(user - first_user)),
        pc.take(days, pa.array(day - first_day)),
        pc.take(_clock(), pa.array(second)),
        pc.take(artists(), pa.array(music.artist)),
        track_ids(music),
        track_titles(music),
        "",
    )


@cache
def _clock() -> Strings:
    """The second of the day as the end of a time stamp, with the tab after it."""
    return pa.array([f"{to_iso(second * 1_000)[11:]}\t" for second in range(86_400)])


def _insertions(user: Ints, time: Ints, faults: dict[int, list[Fault]]) -> Iterator[tuple[int, bytes]]:
    """(row before which it stands, bad line), by row."""
    for index in range(user[0], user[-1] + 1):
        first, end = np.searchsorted(user, [index, index + 1])
        for fault in sorted(faults.get(index, ()), key=lambda fault: -fault.time):
            yield int(first + np.searchsorted(-time[first:end], -fault.time)), fault.line
