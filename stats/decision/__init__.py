"""The decision at a tick: engine, rules in their order, primary metric, verdict, and the alarms after a ship."""
