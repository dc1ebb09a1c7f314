"""The participant's command: check a model, send it, follow it, read the boards.

It needs no server parts, and of the engine only its static gate: no PyTorch, no NumPy.
"""

from __future__ import annotations

import json
import sys
from typing import NoReturn

from leaderboard.cli import (  # noqa: F401  they add their commands
    measurements,
    mine,
    questions,
    results,
    scores,
    teams,
    verifications,
)
from leaderboard.cli.commands import app
from leaderboard.cli.languages import gettext
from leaderboard.cli.screen import err, plain
from leaderboard.cli.server import WRONG_USAGE, Trouble

__all__ = ["app", "main"]


def main() -> NoReturn:
    """Run the command and exit with one of its codes; a `Trouble` is told on standard error."""
    try:
        app()
    except Trouble as trouble:
        if "--json" in sys.argv:
            print(json.dumps({"code": trouble.code, "detail": trouble.detail}))
        quit_with(trouble.exit_code, trouble.detail)
    except OSError as error:
        quit_with(WRONG_USAGE, str(error))
    sys.exit(0)


def quit_with(exit_code: int, detail: str) -> NoReturn:
    told = plain(gettext("error: %(detail)s") % {"detail": detail})
    err.print(told, style="red", soft_wrap=True)
    sys.exit(exit_code)
