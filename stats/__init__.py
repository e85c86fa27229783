"""Station 3: reads the output log, keeps running statistics in Redis, and computes the verdict at every tick."""
