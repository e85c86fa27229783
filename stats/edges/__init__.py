"""Input and output: Kafka, Redis and Prometheus, with the documents and samples that they are given."""
