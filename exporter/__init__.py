"""Serving metrics to Prometheus: what all stations share of it. The metrics themselves are declared in `livelift/metrics/`."""
