"""Where a partition ends while somebody still writes to it: waited for, but not for ever."""

from typing import Any

import pytest
from kafka import TopicPartition

from producer import resume

HERE, THERE = TopicPartition("events", 0), TopicPartition("events", 1)


class Consumer:
    """A client that finds `moves` further records in the second partition, one each time it asks."""

    def __init__(self, moves: int) -> None:
        self.asked = 0
        self._moves = moves

    def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        self.asked += 1
        return {HERE: 7, THERE: min(self.asked, self._moves)}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resume, "SETTLE_SECONDS", 0.01)
    monkeypatch.setattr(resume, "SETTLED_SECONDS", 0.2)


def ends(consumer: Any) -> dict[TopicPartition, int]:
    return resume._stable_ends(consumer, [HERE, THERE])


def test_an_end_that_comes_to_rest_is_waited_for(quick: None) -> None:
    assert ends(Consumer(5)) == {HERE: 7, THERE: 5}


def test_an_end_that_never_rests_is_taken_as_it_is(quick: None, capsys: pytest.CaptureFixture[str]) -> None:
    consumer = Consumer(1 << 30)
    assert ends(consumer)[THERE] == consumer.asked
    said = capsys.readouterr().out
    assert "somebody else goes on writing" in said
    assert "partitions=[1]" in said
