"""Station 2: a Faust worker that turns events into sessions by event time and writes them to the output log."""
