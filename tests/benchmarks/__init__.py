"""Benchmarks: `python -m tests.benchmarks` prints how xlsync compares with the obvious way, side by side."""
