"""Simulated experiments with a known effect, judged by the same code as live ones."""
