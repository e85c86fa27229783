"""A picture of a dashboard without Grafana: the JSON's grid and options, filled with a Prometheus' real answers, as a page.

Drawn here, not by Grafana: layout, titles, colours, units, bands and mappings are taken from the JSON, all else is simple.
"""
