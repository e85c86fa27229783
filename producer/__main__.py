"""`python -m producer`: replays one input with settings from the environment."""

from livelift.ending import end_station_within
from livelift.gc_tuning import raise_gc_threshold
from producer.report import NOT_COMPLETE

STOP_SECONDS = 12.0
"""For what was sent to be acknowledged, and the connection to be closed, when it is asked to stop."""

raise_gc_threshold()
end_station_within("producer", NOT_COMPLETE, STOP_SECONDS)  # before the imports below start threads of their own

from producer.run import main  # noqa: E402

main()
