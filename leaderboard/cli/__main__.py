"""`python -m leaderboard.cli` is `featherweight`."""

from leaderboard.cli import main

main()
