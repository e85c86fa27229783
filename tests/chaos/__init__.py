"""Seeded faults against a whole stack: `python -m tests.chaos --seed N`. See docs/01-nothing-lost-nothing-twice.md."""
