"""Options and arguments that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

from leaderboard.cli import completion
from leaderboard.cli.languages import gettext

AsJson = Annotated[bool, typer.Option("--json", help=gettext("Print the server's answer as JSON."))]
Yes = Annotated[bool, typer.Option("--yes", help=gettext("Do not ask."))]
Number = Annotated[int, typer.Argument(metavar="ID", min=1)]
Slug = Annotated[
    str,
    typer.Argument(
        metavar="COMPETITION",
        help=gettext("A name that `featherweight competitions` lists."),
        autocompletion=completion.competitions,
    ),
]
Into = Annotated[
    str,
    typer.Option(
        "--competition", "-c", metavar="COMPETITION", autocompletion=completion.competitions
    ),
]


def confirm(yes: bool, question: str) -> None:
    """Ask, unless the caller said yes beforehand. "No" ends the command."""
    if not yes:
        typer.confirm(question, abort=True, err=True)
