"""Kafka client code shared by the stations. Topic names and record formats are declared in `livelift/`."""
