"""`python -m stats`: the statistics of one run, by settings from the environment."""

from livelift.one_thread import use_one_thread

use_one_thread()

from stats.run import main  # noqa: E402  # numpy reads the number of threads when it is imported

main()
