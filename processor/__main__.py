"""`python -m processor`: runs one worker with settings from the environment."""

from livelift.ending import end_station_within

end_station_within("processor")  # before the imports below start threads of their own

from processor.run import main  # noqa: E402

main()
