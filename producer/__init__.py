"""Station 1: replays an input file onto Kafka, in event-time order, as a live stream."""
