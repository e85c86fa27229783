"""`python -m processor`: one worker, by settings from the environment."""

from processor.run import main

main()
