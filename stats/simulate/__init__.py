"""A simulator of truth: whole experiments with a known effect, through the very functions that judge the live ones."""
