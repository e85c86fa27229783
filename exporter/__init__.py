"""Prometheus exporter code shared by the stations. The metrics themselves are declared in `livelift/metrics/`."""
