"""What a winner hands in."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from leaderboard.cli.commands import EXIT_CODES
from leaderboard.cli.languages import gettext, state
from leaderboard.cli.options import AsJson, Into, Yes, confirm
from leaderboard.cli.screen import lines, show
from leaderboard.cli.server import WRONG_USAGE, Server, Trouble, connected, team_of
from leaderboard.cli.teams import team

WORDS = {"handed_in": "handed in", "missed": "date missed", "withdrawn": "withdrawn by the team"}
"""States whose words are others than their codes."""


@team.command(
    epilog=EXIT_CODES,
    help=gettext(
        "Show what the organizers ask of your team as a winner. With --file or --link hand it in; "
        "the last one counts."
    ),
)
def verification(
    competition: Into,
    file: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            readable=True,
            help=gettext("A zip or a PDF, at most 200 MB."),
        ),
    ] = None,
    link: Annotated[str, typer.Option(help=gettext("Of a repository; begins with https://."))] = "",
    note: Annotated[str, typer.Option(help=gettext("A note to the organizers."))] = "",
    withdraw: Annotated[
        bool,
        typer.Option(
            "--withdraw",
            help=gettext("Hand in nothing. Your team then has no rank on the private board."),
        ),
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    sends = bool(file or link)
    if withdraw and sends:
        raise Trouble(WRONG_USAGE, gettext("Hand something in, or withdraw, not both."))
    if note and not sends:
        raise Trouble(WRONG_USAGE, gettext("A note goes with --file or --link."))
    with connected() as server:
        address = f"teams/{team_of(server, competition)['id']}/verification"
        if withdraw:
            confirm(yes, gettext("Withdraw your team from the verification?"))
            found = server.ask("POST", f"{address}/withdraw")
        elif sends:
            found = hand_in(server, address, file, link=link, note=note)
        else:
            found = server.ask("GET", address)
    show(as_json, found, words(found))


def hand_in(server: Server, address: str, file: Path | None, **told: str) -> Any:
    with ExitStack() as stack:
        parts: dict[str, Any] = {name: (None, text) for name, text in told.items()}
        if file:
            parts["file"] = (file.name, stack.enter_context(file.open("rb")))
        return server.ask("POST", address, files=parts)


def words(found: dict[str, Any]) -> Text:
    """What is asked, until when, and what has come."""
    said = [
        found["wish"],
        gettext("State: %(state)s. Until: %(end)s.")
        % {"state": stands(found["state"]), "end": found["due_at"]},
    ]
    if found["file_name"]:
        said.append(gettext("File: %(file)s, SHA-256 %(hash)s") % named(found))
    if found["link"]:
        said.append(gettext("Repository: %(link)s") % found)
    if found["reason"]:
        said.append(gettext("Reason: %(reason)s") % found)
    return lines("\n".join(said))


def stands(code: str) -> str:
    return state("state of a verification", WORDS.get(code, code))


def named(found: dict[str, Any]) -> dict[str, str]:
    return {"file": found["file_name"], "hash": found["sha256"]}
