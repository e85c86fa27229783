"""The verdict in sentences: its summary, its guarantee, and how numbers are put into words."""
