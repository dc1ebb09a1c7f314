"""The engine from the command line: `python -m scoring COMMAND`; `--help` lists the commands."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from scoring.commands import check, evaluate, score, selftest, train, trying
from scoring.commands.exits import CANNOT, FAILED
from scoring.errors import Coded, EngineError

COMMANDS = (evaluate, trying, selftest, check, score, train)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit code: one of `scoring.commands.exits`."""
    options = parser().parse_args(arguments)
    try:
        code: int = options.command(options)
    except ModuleNotFoundError as error:
        print(f"{error.name} is not installed here: pip install '.[worker]'", file=sys.stderr)
        return CANNOT
    except Coded as error:
        if getattr(options, "json", False):
            failure = {"code": error.code, "message": error.message}
            print(json.dumps({"status": "failed", "failure": failure}, indent=2))
        else:
            print(f"failed: {error.code}\n{error.message}", file=sys.stderr)
        return CANNOT if isinstance(error, EngineError) else FAILED
    except KeyboardInterrupt:
        return 130
    return code


def parser() -> argparse.ArgumentParser:
    """The parser with all subcommands."""
    top = argparse.ArgumentParser("python -m scoring", description="Score image classifiers.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return top


if __name__ == "__main__":
    sys.exit(main())
