"""What a user's state takes in the changelog: bounded, however long a session lasts."""

import random

import pytest

from livelift.compiled_measures import FEW
from livelift.event_time import MINUTE
from livelift.sessions import session_measures
from processor.changelog import UserForm
from processor.windows import new_partition
from tests.support.small_study import START, small_study
from tests.support.streams import Listen, partition_records

STUDY = small_study()
MEASURES = session_measures(STUDY)
FORM = UserForm(MEASURES)
REST = 200
"""Bytes of all but the artists, at most."""


def largest_state(plays: int, artists: int) -> int:
    """The most bytes of the user's record while one session of `plays` plays by `artists` artists goes on."""
    chance = random.Random(7)
    listens = [Listen(START + play * MINUTE, "a", str(chance.randrange(artists))) for play in range(plays)]
    (records,) = partition_records(listens)
    partition = new_partition(STUDY, MEASURES)
    sizes = []
    for record in records:
        partition.apply([record])
        sizes += [len(FORM.encode(user, partition.as_of)) for user in partition.users.values()]
    return max(sizes)


@pytest.mark.parametrize("plays", [1, 15, 90])
def test_an_ordinary_user_takes_less_than_a_kilobyte(plays: int) -> None:
    assert largest_state(plays, plays) < 1_000


@pytest.mark.parametrize("artists", [3, 100, 1_000])
def test_a_marathon_session_takes_16_bytes_an_artist(artists: int) -> None:
    """A week without a pause: as many plays as you like add nothing."""
    assert largest_state(10_000, artists) <= REST + 8 * FEW + 16 * artists
