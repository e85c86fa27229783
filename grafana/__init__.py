"""Station 4: Grafana's dashboards as code, the JSON made of them, and what Grafana is provisioned with."""
