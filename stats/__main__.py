"""`python -m stats`: runs the statistics of one run with settings from the environment."""

from livelift.ending import end_station_within
from livelift.gc_tuning import raise_gc_threshold
from livelift.one_thread import use_one_thread

raise_gc_threshold()
use_one_thread()
end_station_within("stats")  # before the imports below start threads of their own

from stats.run import main  # noqa: E402  # numpy reads the number of threads when it is imported

main()
