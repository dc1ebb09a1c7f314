"""What a team has sent: list, compare, withdraw, select as final."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from leaderboard.cli import completion
from leaderboard.cli.commands import EXIT_CODES, app, likely
from leaderboard.cli.languages import gettext, state
from leaderboard.cli.options import AsJson, Into, Number, Yes, confirm
from leaderboard.cli.screen import figures, plain, show
from leaderboard.cli.server import WRONG_USAGE, Trouble, connected, team_of
from leaderboard.rounding import rounded

Of = Annotated[
    str | None,
    typer.Option(
        "--competition",
        "-c",
        metavar="COMPETITION",
        help=gettext("Only what was sent to this competition."),
        autocompletion=completion.competitions,
    ),
]
Most = Annotated[
    int,
    typer.Option(
        "--limit", min=1, max=1000, help=gettext("How many to show. The latest comes first.")
    ),
]


@app.command("list", epilog=EXIT_CODES, help=gettext("List your teams' submissions."))
def list_(
    competition: Of = None,
    branch: Annotated[
        str | None, typer.Option(help=gettext("Only submissions of this branch."))
    ] = None,
    limit: Most = 20,
    as_json: AsJson = False,
) -> None:
    asked: dict[str, Any] = {"limit": limit}
    asked |= {"competition": competition} if competition else {}
    asked |= {"branch": branch} if branch else {}
    with connected() as server:
        found = server.ask("GET", "submissions", params=asked)["results"]
    show(as_json, found, table_of(found))


def table_of(found: list[dict[str, Any]]) -> Table:
    """A row for each submission, with the reason where one failed."""
    table = Table("id", gettext("competition"), gettext("file"), gettext("state"))
    for name in (gettext("score"), gettext("quality"), gettext("time ratio"), gettext("note")):
        table.add_column(name)
    for one in found:
        stands = state("state of an evaluation", one["state"])
        if one["failure"]:
            stands = f"{stands}: {one['failure']['code']}"
        cells = (one["id"], one["competition"], one["file_name"], stands, *measured(one))
        table.add_row(*(plain(str(cell)) for cell in (*cells, one["note"])))
    return table


def measured(submission: dict[str, Any]) -> tuple[str, str, str]:
    """Score, quality and time ratio of a submission; dashes if it has no score."""
    found = submission["score"]
    if not found:
        return "-", "-", "-"
    return figures(submission, score=found["score"], half_width=found["half_width"])


@app.command(epilog=EXIT_CODES, help=gettext("Compare two scored submissions of your teams."))
def compare(first: Number, second: Number, as_json: AsJson = False) -> None:
    with connected() as server:
        both = [server.ask("GET", f"submissions/{one}") for one in (first, second)]
    for one in both:
        if not one["score"]:
            sentence = gettext("#%(id)d has no score, so nothing can be compared.")
            raise Trouble(WRONG_USAGE, sentence % one, "not_scored")
    if both[0]["competition"] != both[1]["competition"]:
        sentence = gettext("#%(first)d and #%(second)d belong to two competitions.")
        said = sentence % {"first": first, "second": second}
        raise Trouble(WRONG_USAGE, said, "two_competitions")
    show(as_json, both, comparison(*both))


def comparison(first: dict[str, Any], second: dict[str, Any]) -> Table:
    """The figures of two scored submissions, and the second less the first."""
    table = Table("", f"#{first['id']}", f"#{second['id']}", gettext("difference"))
    table.add_row(gettext("rank"), *(rank(one["prospect"]) for one in (first, second)), "")
    rows = [(gettext("score"), *(one["score"]["score"] for one in (first, second)))]
    for name in first["score"]["terms"]:
        label = gettext("term %(name)s") % {"name": name}
        rows.append((label, *(one["score"]["terms"][name] for one in (first, second))))
    rows.append((gettext("quality"), first["quality"], second["quality"]))
    rows.append((gettext("time ratio"), first["time_ratio"], second["time_ratio"]))
    classes = (first["f1_by_class"] or {}, second["f1_by_class"] or {})
    shared = [name for name in classes[0] if name in classes[1]]
    rows += [(f"F1 {name}", *(one[name] for one in classes)) for name in shared]
    for name, label in (("macs", gettext("MACs")), ("memory_bytes", gettext("memory, bytes"))):
        known = [one[name] for one in (first, second)]
        shown = ["-" if one is None else format(one, ",") for one in known]
        less = "" if None in known else format(known[1] - known[0], "+,")
        table.add_row(plain(label), *shown, less)
    for label, before, after in rows:
        told = (rounded(before, 4), rounded(after, 4), f"{rounded(after - before, 4):+}")
        table.add_row(plain(label), *map(str, told))
    return table


def rank(prospect: dict[str, Any] | None) -> str:
    """The rank of a score on the public board, with its range if that is known."""
    if prospect is None or prospect["rank"] is None:
        return "-"
    ends = likely(prospect)
    return f"{prospect['rank']} ({gettext('likely')} {ends})" if ends else str(prospect["rank"])


@app.command(
    epilog=EXIT_CODES,
    help=gettext(
        "Take a submission off the boards permanently. The quota that it used stays used."
    ),
)
def withdraw(
    submission_id: Number,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    confirm(yes, gettext("Withdraw #%(id)d permanently?") % {"id": submission_id})
    with connected() as server:
        submission = server.ask("POST", f"submissions/{submission_id}/withdraw")
    told = gettext("#%(id)d is withdrawn.") % submission
    show(as_json, submission, told)


@app.command(
    epilog=EXIT_CODES,
    help=gettext(
        "Download the file of a submission of your team.\n\nA file of this name is not overwritten."
    ),
)
def download(
    submission_id: Number,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help=gettext("Where it is written; by default in this folder under its name."),
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    with connected() as server:
        submission = server.ask("GET", f"submissions/{submission_id}")
        # Of a name that the server says, no folder counts.
        target = output or Path(Path(submission["file_name"].replace("\\", "/")).name or "model")
        if target.exists():
            sentence = gettext("%(file)s already exists. Choose another name with --output.")
            raise Trouble(WRONG_USAGE, sentence % {"file": target}, "file_exists")
        server.save(f"submissions/{submission_id}/file", target)
    found = {"file": str(target), "size_bytes": target.stat().st_size}
    show(as_json, found, plain(gettext("The file is in %(file)s.") % found))


@app.command(
    epilog=EXIT_CODES,
    help=gettext(
        "Choose which submissions count for the private board.\n\nWithout IDs, the command "
        "shows the current choice. With --none, your best public ones count."
    ),
)
def select(
    competition: Into,
    ids: Annotated[list[int] | None, typer.Argument(metavar="[ID]...")] = None,
    none: Annotated[bool, typer.Option("--none", help=gettext("Choose none by hand."))] = False,
    as_json: AsJson = False,
) -> None:
    if ids and none:
        raise Trouble(WRONG_USAGE, gettext("Give IDs or --none, not both."))
    with connected() as server:
        path = f"teams/{team_of(server, competition)['id']}/selections"
        if ids or none:
            found = server.ask("PUT", path, json={"submissions": ids or []})
        else:
            found = server.ask("GET", path)
    show(as_json, found, chosen(found))


def chosen(found: dict[str, Any]) -> str:
    """A choice in a sentence."""
    if not found["submissions"]:
        return gettext("You selected no submission. Your best public submissions count.")
    names = ", ".join(f"#{one}" for one in found["submissions"])
    told = gettext(
        "These count for the private board: %(names)s. You can select at most %(at_most)d."
    )
    return told % {"names": names, "at_most": found["at_most"]}
