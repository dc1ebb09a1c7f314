"""A competition as a file, `contest.yaml`: read, compared, imported and written."""
