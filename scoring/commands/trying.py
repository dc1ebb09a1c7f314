"""`try`: run a model as the dry run of an evaluation does."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from scoring.commands.exits import FAILED, SCORED
from scoring.commands.options import (
    add_data,
    add_input,
    add_limits,
    add_machine,
    add_metric,
    add_reading,
    add_weakness,
    file,
)
from scoring.commands.tables import trial_table
from scoring.errors import EngineError
from scoring.sentences import say, spoken


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the options."""
    parser = commands.add_parser(
        "try",
        help="run a model on a competition's sample as the dry run of an evaluation does",
        description="Same sandbox, same input; then each image twice, to see answers that change. "
        "Exit code 0: passed, 1: failed with the code of an evaluation, 2: wrong usage, 3: this "
        "machine cannot run models.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.set_defaults(command=run)
    parser.add_argument("model", type=file, metavar="MODEL.pt")
    add_data(parser)
    add_reading(parser)
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")
    add_input(parser)
    add_metric(parser)
    add_machine(parser)
    add_limits(parser)
    add_weakness(parser)


def run(options: argparse.Namespace) -> int:
    """Try and print what was found. Raises `EngineError` without a sandbox."""
    if sys.platform != "linux":
        raise EngineError(
            "sandbox_unavailable",
            say(
                "Models run in a sandbox that needs Linux. Try your model in the image of "
                "the Dockerfile, or on another machine."
            ),
        )
    from scoring import trial
    from scoring.commands import jobs

    with tempfile.TemporaryDirectory(prefix="featherweight-") as folder:
        found = trial.run(jobs.trial_of(options, Path(folder)))
    if options.json:
        print(json.dumps(spoken(found.to_json()), indent=2))
    else:
        print(trial_table(found, options.metric))
    return SCORED if found.status == "passed" else FAILED
