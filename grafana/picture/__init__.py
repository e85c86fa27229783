"""Draws a dashboard as an HTML page without Grafana: the JSON's layout and options, filled with the answers of a
Prometheus.

Layout, titles, colours, units, bands and mappings come from the JSON; fonts, axes and tooltips differ from Grafana's.
"""
