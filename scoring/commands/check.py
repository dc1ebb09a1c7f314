"""`check`: what can be said about a model without running it."""

from __future__ import annotations

import argparse
import json

from scoring.commands.exits import SCORED
from scoring.commands.options import file
from scoring.formats import checking
from scoring.sentences import spoken


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the options."""
    parser = commands.add_parser("check", help="what can be said about a model without running it")
    parser.set_defaults(command=run)
    parser.add_argument("model", type=file, metavar="MODEL.pt")
    parser.add_argument("--json", action="store_true")


def run(options: argparse.Namespace) -> int:
    """Print the static report. Raises `Rejected`."""
    checked = checking.check(options.model)
    print(
        json.dumps(spoken(checked.to_json()), indent=2) if options.json else checking.table(checked)
    )
    return SCORED
