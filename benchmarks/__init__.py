"""Proofs of the measuring that anybody can run: `python -m benchmarks.NAME --help`."""
