"""The subcommands of `python -m scoring`, a module each.

A module has `add`, which describes its options, and `run`, which does it and returns an exit code.
"""
