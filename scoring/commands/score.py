"""`score`: the formula for given figures."""

from __future__ import annotations

import argparse

from scoring import formula
from scoring.commands.exits import SCORED
from scoring.commands.options import above_0, add_formula, share


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the options."""
    parser = commands.add_parser("score", help="the formula for given figures")
    parser.set_defaults(command=run)
    parser.add_argument("--quality", "--f1", type=share, required=True)
    parser.add_argument("--seconds", type=above_0, required=True, help="time of the model")
    parser.add_argument(
        "--reference-seconds", type=above_0, required=True, help="time of the reference"
    )
    parser.add_argument("--quality-ref", "--f1-ref", type=share, required=True)
    add_formula(parser)


def run(options: argparse.Namespace) -> int:
    """Print the score."""
    ratio = options.seconds / options.reference_seconds
    weights = {
        "quality_ref": options.quality_ref,
        "k": options.k,
        "time_weight": options.time_weight,
    }
    print(f"{formula.score(options.quality, ratio, **weights).total:.4f}")
    return SCORED
