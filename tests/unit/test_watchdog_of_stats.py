"""What the watchdog sees of a stats station: rounds that go on, and outputs that are read."""

from livelift.watchdog import Sight
from stats.edges.watched import Standing, Watched

TOPIC = "output"


class Broker:
    """What a broker says."""

    def __init__(self, ends: dict[int, int] | None) -> None:
        self.answer = ends

    def ends(self, topic: str, partitions: list[int]) -> dict[int, int] | None:
        return None if self.answer is None else {number: self.answer[number] for number in partitions}


def sights(at: Standing, ends: dict[int, int] | None) -> list[Sight]:
    return Watched(TOPIC, lambda: at, Broker(ends))()


def test_outputs_that_wait_are_work_and_their_offset_is_progress() -> None:
    loop, first, second = sights(Standing(5, {0: 10, 1: 20}), {0: 12, 1: 20})
    assert loop.progress == 5
    assert loop.work
    assert (first.subject, first.progress) == ("partition 0 of output", 10)
    assert first.work.startswith("2 outputs have waited from offset 10 on, and none was read")
    assert second.work == ""


def test_a_partition_held_at_its_barrier_is_no_work() -> None:
    assert [sight.subject for sight in sights(Standing(5, {1: 20}), {0: 99, 1: 20})] == [
        "its loop",
        "partition 1 of output",
    ]


def test_a_waiting_or_standby_station_has_only_to_come_round() -> None:
    assert [sight.subject for sight in sights(Standing(5, {}), {0: 99})] == ["its loop"]
    assert [sight.subject for sight in sights(Standing(5, {0: 1}), None)] == ["its loop"]
