"""`evaluate`: score a model against a reference, on one machine."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import scoring
from scoring.commands.exits import FAILED, SCORED
from scoring.commands.options import (
    above_0,
    add_data,
    add_formula,
    add_input,
    add_limits,
    add_machine,
    add_quality,
    add_reading,
    add_weakness,
    file,
    folder,
    some,
)
from scoring.commands.tables import progress_line, table
from scoring.sentences import spoken


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the options."""
    parser = commands.add_parser(
        "evaluate",
        help="score a model against a reference on a folder or zip of class folders",
        description="Exit code 0: scored, 1: failed with a code, 2: wrong usage.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.set_defaults(command=run)
    parser.add_argument("model", type=file, metavar="MODEL.pt")
    parser.add_argument(
        "--reference", type=file, required=True, metavar="REF.pt", help="what time is held against"
    )
    add_data(parser)
    add_reading(parser)
    parser.add_argument("--json", action="store_true", help="print the whole report")
    parser.add_argument(
        "--public-share", type=some, default=0.5, help="of images without split folders"
    )
    parser.add_argument(
        "--skip-broken",
        "--skip-bad",
        action="store_true",
        help="leave out images that cannot be decoded",
    )
    add_input(parser)
    add_formula(parser)
    add_quality(parser)
    add_machine(parser)
    parser.add_argument("--max-seconds", type=above_0, default=60.0, help="cap of measuring")
    add_limits(parser)
    parser.add_argument("--cache", type=folder, help="folder that keeps decoded images")
    add_weakness(parser)


def run(options: argparse.Namespace) -> int:
    """Evaluate and print the report."""
    from scoring.commands import jobs  # with NumPy

    with tempfile.TemporaryDirectory(prefix="featherweight-") as folder:
        job = jobs.job_of(options, Path(folder))
        with progress_line() as tell:
            report = scoring.evaluate(job, tell)
    print(json.dumps(spoken(report.to_json()), indent=2) if options.json else table(report, job))
    return SCORED if report.status == "scored" else FAILED
