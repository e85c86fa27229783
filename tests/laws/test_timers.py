"""The timers' queue gives what one heap gives, however pushes and pops are mixed."""

from heapq import heappop, heappush

from hypothesis import given
from hypothesis import strategies as st

from livelift.event_time import MINUTE
from processor.timers import Timer, Timers

DUES = st.integers(0, 5 * MINUTE) | st.sampled_from([0, MINUTE - 1, MINUTE, 4 * MINUTE])


@given(st.lists(st.none() | st.tuples(DUES, st.integers(0, 3), st.binary(max_size=2))))
def test_timers_fire_in_the_order_of_one_heap(steps: list[Timer | None]) -> None:
    """A step is a timer to push, or None: pop one."""
    timers, heap = Timers(), list[Timer]()
    for step in steps:
        if step is not None:
            timers.push(step)
            heappush(heap, step)
        elif heap:
            assert timers.pop() == heappop(heap)
        assert timers.first() == (heap[0] if heap else None)
