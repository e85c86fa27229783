"""The timer queue fires in the order of a single heap, for any mix of pushes and pops."""

from heapq import heappop, heappush

from hypothesis import given
from hypothesis import strategies as st

from livelift.event_time import MINUTE
from processor.timers import ALWAYS, Timer, Timers

DUES = st.integers(0, 5 * MINUTE) | st.sampled_from([0, MINUTE - 1, MINUTE, 4 * MINUTE])


@given(st.lists(st.none() | st.integers(0, 6 * MINUTE) | st.tuples(DUES, st.integers(0, 3), st.binary(max_size=2))))
def test_timers_fire_in_the_order_of_one_heap(steps: list[Timer | int | None]) -> None:
    """A step is a timer to push, a time up to which to look for the first one, or None: pop one."""
    timers, heap = Timers(), list[Timer]()
    for step in steps:
        if isinstance(step, tuple):
            timers.push(step)
            heappush(heap, step)
        elif step is None:
            if heap:
                assert timers.pop() == heappop(heap)
        else:
            first = timers.first(step)
            if first is None and heap:
                assert step <= (timers.next_minute() or 0) <= heap[0][0]
            else:
                assert first == (heap[0] if heap else None)
    assert [timers.pop() for _ in list(heap)] == [heappop(heap) for _ in list(heap)]
    assert timers.first(ALWAYS) is None
