"""A whole competition on this machine: `python -m leaderboard.demo --help`."""
