"""Data-quality checks (sample-ratio mismatch, attrition, late and rejected rows) and guardrail metrics."""
