"""Hot standby: a second stats process of a run waits, and takes over when the first stops committing.

Two that compete would each load the run again at every commit of the other. A commit that is refused therefore makes
a station wait until nobody has committed for a while.
"""

import time
from collections.abc import Callable

STILL_SECONDS = 2.0
"""Nothing was committed for so long: whoever did has gone, or has nothing to do."""

LOOK_SECONDS = 0.2


def wait_while_moving(
    read: Callable[[], object], stop: Callable[[], bool], still_seconds: float = STILL_SECONDS
) -> None:
    """Return when what `read` gives has not changed for `still_seconds`, or when `stop()`."""
    seen, since = read(), time.monotonic()
    while not stop() and time.monotonic() - since < still_seconds:
        time.sleep(min(LOOK_SECONDS, still_seconds))
        now = read()
        if now != seen:
            seen, since = now, time.monotonic()
