"""Speaking to Kafka: what stations share of it. Its names, topics and records are declared in `livelift/`."""
