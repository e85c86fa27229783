"""Station 4: Grafana dashboards as code, the JSON generated from them, and Grafana's provisioning files."""
