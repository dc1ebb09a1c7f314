"""Exit codes of the command line."""

SCORED = 0
"""Scored, accepted, held or done."""
FAILED = 1
"""Failed with a code."""
WRONG_USAGE = 2
CANNOT = 3
"""Not on this machine."""
