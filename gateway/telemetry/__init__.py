"""Counters and logs of what the process does, for operators."""
