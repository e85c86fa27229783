"""From the output log to running sums: each user and session once, in exact sums per arm and metric."""
