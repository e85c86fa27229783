"""`python -m stats`: the statistics of one run, by settings from the environment."""

from stats.run import main

main()
