"""Try a model on the sample, on a machine of the server: no score, no upload used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from leaderboard.cli.languages import gettext
from leaderboard.cli.screen import plain, show
from leaderboard.cli.sending import send
from leaderboard.cli.server import FAILED, Server
from leaderboard.cli.submissions import ask_until, show_dry_run
from leaderboard.rounding import rounded

ENDS = ("passed", "failed", "error")


def try_out(server: Server, file: Path, competition: str, *, as_json: bool) -> None:
    """Send a file, and show what its trial found. Raises `typer.Exit` unless it passed."""
    begun = send(server, file, competition, purpose="trial")
    found = ask_until(server, f"trials/{begun['id']}", begun, ENDS, words)
    show(as_json, found, plain(words(found)))
    if not as_json:
        show_dry_run(found["dry_run"])
    if found["state"] != "passed":
        raise typer.Exit(FAILED)


def words(trial: dict[str, Any]) -> str:
    """Where a trial stands, in a line."""
    match trial["state"]:
        case "queued":
            return gettext("waiting for a machine")
        case "running":
            return gettext("trying the model on the sample")
        case "failed":
            told = gettext("failed (%(code)s): %(message)s")
            return str(told % trial["failure"])
        case "passed":
            facts = {
                "images": trial["images"],
                "quality": rounded(trial["quality"], 4),
                "time": f"{trial['seconds_per_image'] * 1000:.3g}",
            }
            return (
                gettext(
                    "passed: %(images)d images of the sample, quality %(quality)s there, about "
                    "%(time)s ms per image."
                )
                % facts
            )
    return gettext("The machine failed. Try the model again.")
