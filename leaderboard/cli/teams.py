"""Teams: make one, see it, invite, join, leave."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from leaderboard.cli.commands import EXIT_CODES, app
from leaderboard.cli.languages import gettext
from leaderboard.cli.options import AsJson, Into, Slug, Yes, confirm
from leaderboard.cli.screen import plain, show
from leaderboard.cli.server import connected, team_of

team = typer.Typer(help=gettext("Your teams: create, invite, join, leave."), no_args_is_help=True)
app.add_typer(team, name="team")


@team.command("show", epilog=EXIT_CODES, help=gettext("Show your teams and their members."))
def show_teams(as_json: AsJson = False) -> None:
    with connected() as server:
        found = server.ask("GET", "teams", params={"limit": 1000})["results"]
    table = Table(gettext("team"), gettext("competition"), gettext("members"))
    for one in found:
        members = ", ".join(member["username"] for member in one["members"])
        table.add_row(*map(plain, (one["name"], one["competition"], members)))
    show(as_json, found, table)


@team.command(epilog=EXIT_CODES, help=gettext("Create a team. A team with one member is fine."))
def create(name: str, competition: Into, as_json: AsJson = False) -> None:
    with connected() as server:
        made = server.ask("POST", f"competitions/{competition}/teams", json={"name": name})
    told = gettext("%(name)s takes part in %(competition)s.") % made
    show(as_json, made, plain(told))


@team.command(
    epilog=EXIT_CODES,
    help=gettext("Ask the organizers of a competition to let you take part."),
)
def apply(
    competition: Slug,
    answers: Annotated[
        list[str] | None,
        typer.Option(
            "--answer",
            metavar="TEXT",
            help=gettext("An answer, once for each question. Without it, the command asks."),
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    with connected() as server:
        questions = server.ask("GET", f"competitions/{competition}/admission")["questions"]
        given = answers or [typer.prompt(one, err=True) for one in questions]
        address = f"competitions/{competition}/application"
        found = server.ask("PUT", address, json={"answers": given})
    show(as_json, found, plain(found["detail"]))


@team.command(
    epilog=EXIT_CODES,
    help=gettext("Make an invitation. One person can join with its code within a week."),
)
def invite(
    competition: Into,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="NAME",
            help=gettext("The user name or mail address of a person, who gets a notice."),
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    with connected() as server:
        mine = team_of(server, competition)
        made = server.ask("POST", f"teams/{mine['id']}/invitations", json={"to": to})
    show(as_json, made, plain(invitation(made, to)))


def invitation(made: dict[str, Any], to: str) -> str:
    """What the invited person does."""
    command = f"featherweight team join {made['code']}"
    if to:
        told = gettext("%(to)s gets a notice, if the site knows this name. To join: %(command)s")
        return told % {"to": to, "command": command}
    return gettext("The person who joins runs: %(command)s") % {"command": command}


@team.command(epilog=EXIT_CODES, help=gettext("Join the team of an invitation."))
def join(code: str, as_json: AsJson = False) -> None:
    with connected() as server:
        joined = server.ask("POST", "teams/join", json={"code": code})
    told = gettext("You are a member of %(name)s in %(competition)s.") % joined
    show(as_json, joined, plain(told))


@team.command(
    epilog=EXIT_CODES, help=gettext("Leave your team. What you submitted stays with the team.")
)
def leave(
    competition: Into,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    with connected() as server:
        mine = team_of(server, competition)
        confirm(yes, gettext("Leave %(name)s?") % mine)
        server.ask("POST", f"teams/{mine['id']}/leave")
    told = gettext("You left %(name)s.") % mine
    show(as_json, {"left": mine["id"]}, plain(told))
