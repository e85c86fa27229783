"""Runs the whole pipeline on one machine without Docker: real Kafka and Redis, and the stations, as child processes."""
