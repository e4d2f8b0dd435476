"""Benchmarks: how long each phase takes, how much memory it needs, how good the answer is."""
