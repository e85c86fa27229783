"""Two histories are told apart by a tick that is missing, doubled, too many, in another place or has other numbers."""

import msgspec

from local.equality import history_differences


class Progress(msgspec.Struct):
    ended: bool
    period_complete: bool


class Tick(msgspec.Struct):
    """What of an entry counts here."""

    run: str
    as_of: str
    n: int
    progress: Progress


def tick(as_of: str, n: int = 1, *, ended: bool = False, complete: bool = False) -> Tick:
    return Tick(str(n), as_of, n, Progress(ended, complete))


FIRST, SECOND = tick("2009-04-30T00:00:00Z"), tick("2009-05-01T00:00:00Z", 2, complete=True)
MIDNIGHT, END = tick("2009-05-02T00:00:00Z", 3, complete=True), tick("2009-05-02T08:00:00Z", 4, ended=True)
BATCH = [FIRST, SECOND, END]
LIVE = [FIRST, SECOND, MIDNIGHT, END]


def found(*live: Tick) -> list[str]:
    return list(history_differences(live, BATCH))  # type: ignore[arg-type]


def test_equal_histories_with_the_midnights_after_the_completion() -> None:
    assert found(*LIVE) == []


def test_a_missing_doubled_or_additional_tick_is_a_difference() -> None:
    assert found(FIRST, SECOND, END) == ["2009-05-02T00:00:00Z: no such tick"]
    assert found(SECOND, MIDNIGHT, END) == ["2009-04-30T00:00:00Z: no such tick"]
    assert found(FIRST, SECOND, SECOND, MIDNIGHT, END) == ["2009-05-01T00:00:00Z: 2 ticks"]
    assert found(tick("2009-04-29T00:00:00Z"), *LIVE) == ["2009-04-29T00:00:00Z: a tick too many"]
    assert found(*LIVE[:3]) == ["2009-05-02T08:00:00Z (the end): no such tick"]


def test_another_order_or_number_is_a_difference() -> None:
    assert found(SECOND, FIRST, MIDNIGHT, END) == ["the ticks are in another order"]
    other = tick("2009-05-01T00:00:00Z", 5, complete=True)
    assert found(FIRST, other, MIDNIGHT, END) == ["2009-05-01T00:00:00Z.n: 5 ≠ 2"]


def test_an_end_at_midnight_follows_the_tick_of_that_midnight() -> None:
    end = tick("2009-05-02T00:00:00Z", 4, ended=True)
    assert list(history_differences([FIRST, SECOND, MIDNIGHT, end], [FIRST, SECOND, end])) == []  # type: ignore[list-item]
