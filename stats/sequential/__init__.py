"""The group sequential test: looks, alpha spending, boundaries by re-randomisation, and the state from look to look."""
