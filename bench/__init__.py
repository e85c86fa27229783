"""Benchmarks: events a second, CPU-seconds per million events, memory and latency, beside other engines.

python -m bench                 the table: every stage of ours, the peers, the batch limit
python -m bench.against_commit  today's files beside those of a commit, as ratios
python -m bench.latency         from an event's append to the changed sums in Redis
python -m bench.million_users   many users: cost, bytes of state, restoring
python -m bench.two_workers     a second worker process
"""
