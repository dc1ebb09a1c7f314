"""`selftest`: have models try to break out of the sandbox."""

from __future__ import annotations

import argparse
import json

from scoring.commands.exits import FAILED, SCORED
from scoring.commands.options import add_weakness
from scoring.job import Plan


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the options."""
    parser = commands.add_parser(
        "selftest", help="have models try to break out of the sandbox here"
    )
    parser.set_defaults(command=run)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--json", action="store_true")
    add_weakness(parser)


def run(options: argparse.Namespace) -> int:
    """Run the self-test and print what models gained."""
    from scoring.sandbox import selftest

    plan = Plan(device=options.device)
    found = selftest.breaches(plan, may_be_weak=options.allow_weak_sandbox)
    told = [str(one) for one in found]
    if options.json:
        print(json.dumps({"status": "failed" if found else "held", "breaches": told}, indent=2))
    else:
        print("\n".join(told) or "The sandbox held.")
    return FAILED if found else SCORED
