"""The commands: each asks the server and shows its answer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from leaderboard.cli import completion, kits, logins, trials
from leaderboard.cli.languages import gettext, said, state
from leaderboard.cli.options import AsJson, Into, Number, Slug
from leaderboard.cli.screen import err, figures, lines, plain, show
from leaderboard.cli.sending import send
from leaderboard.cli.server import (
    FAILED,
    REFUSED,
    WRONG_USAGE,
    Account,
    Trouble,
    config_path,
    connected,
)
from leaderboard.cli.submissions import Wanted, finish
from scoring.errors import Rejected
from scoring.formats import checking
from scoring.job import InputBounds, InputSpec
from scoring.sentences import joined, spoken

EXIT_CODES = gettext(
    "Exit codes: 0 done; 1 the file would be refused, the submission failed, or its score is above "
    "the limit; 2 wrong usage; 3 the server refused; 4 the server cannot be reached."
)

app = typer.Typer(
    help=gettext("Submit models to a Featherweight competition.") + f"\n\n{EXIT_CODES}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Wait = Annotated[bool, typer.Option("--wait", help=gettext("Wait until the evaluation has ended."))]
MaxScore = Annotated[
    float | None,
    typer.Option(
        "--max-score",
        help=gettext(
            "Wait for the score, and exit with 1 if the score is above this limit. Lower is better."
        ),
    ),
]
NoWorse = Annotated[
    bool,
    typer.Option(
        "--no-worse",
        help=gettext(
            "Wait for the score, and exit with 1 if it is worse by more than the noise of "
            "the clock. It is compared with the branch's best, or with your team's best if "
            "the branch has none."
        ),
    ),
]
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
Url = Annotated[
    str, typer.Option(prompt=gettext("Address of the server"), envvar="FEATHERWEIGHT_URL")
]
Token = Annotated[
    str,
    typer.Option(
        prompt=gettext("Token"),
        prompt_required=False,
        hide_input=True,
        envvar="FEATHERWEIGHT_TOKEN",
        show_envvar=False,
        help=gettext(
            "Use this token instead of a browser. Without a value, the command asks for it."
        ),
    ),
]
Scope = Annotated[
    str,
    typer.Option(
        metavar="read|submit|manage",
        help=gettext("What the command may do for you, if you sign in with a browser."),
    ),
]


@app.command(
    epilog=EXIT_CODES,
    help=gettext(
        "Sign in with a browser, or with a token. The token and the server's address are "
        "kept in a file that only you can read.\n\nIn CI set FEATHERWEIGHT_URL and "
        "FEATHERWEIGHT_TOKEN instead."
    ),
)
def login(url: Url, token: Token = "", scope: Scope = "manage", as_json: AsJson = False) -> None:
    address, secret = url.strip().rstrip("/"), token.strip()
    account = Account(address, secret or logins.by_browser(address, scope))
    with connected(account) as server:
        me = server.ask("GET", "me")
    account.keep()
    facts = {"name": me["username"], "file": config_path()}
    show(as_json, me, gettext("Signed in as %(name)s. The token is in %(file)s.") % facts)


@app.command(epilog=EXIT_CODES, help=gettext("List the competitions."))
def competitions(as_json: AsJson = False) -> None:
    with connected() as server:
        found = server.ask("GET", "competitions", params={"limit": 1000})["results"]
    table = Table(gettext("competition"), gettext("title"), gettext("state"), gettext("ends"))
    for one in found:
        stands = state("state of a competition", one["state"])
        table.add_row(*map(plain, (one["slug"], one["title"], stands, one["ends_at"] or "-")))
    show(as_json, found, table)


@app.command(
    epilog=EXIT_CODES,
    help=gettext(
        "Download the starter kit of a competition and its sample into a new folder: scripts, a "
        "notebook, recipes and CI jobs."
    ),
)
def kit(
    competition: Slug,
    sample: Annotated[
        bool, typer.Option("--sample/--no-sample", help=gettext("Download the sample, too."))
    ] = True,
    as_json: AsJson = False,
) -> None:
    with connected() as server:
        told = server.ask("GET", f"competitions/{competition}")
        slug = told["slug"]
        folder = kits.fetch(server, slug, Path.cwd())
        if sample and told["sample"]:
            kits.fetch_sample(server, slug, told["sample"], folder)
    words = gettext("The kit is in %(folder)s. Its README.md says what to do next.")
    show(as_json, {"folder": str(folder)}, words % {"folder": folder})


@app.command(
    epilog=EXIT_CODES,
    help=gettext(
        "Check a model file as the server does before an evaluation. The file is neither sent nor "
        "run.\n"
        "\n"
        "Notes name what may make the model fail in an evaluation. To run the model as the dry run "
        "of an evaluation does: python -m scoring try FILE --data SAMPLE.zip."
    ),
)
def check(
    file: File,
    competition: Annotated[
        str | None,
        typer.Option(
            "--competition",
            "-c",
            metavar="COMPETITION",
            help=gettext("Apply the sizes and limits of this competition, too."),
            autocompletion=completion.competitions,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    rules: dict[str, Any] = {}
    if competition is not None:
        with connected() as server:
            rules = rules_of(server.ask("GET", f"competitions/{competition}"), file)
    try:
        checked = checking.check(file, **rules)
    except Rejected as rejected:
        told = joined(rejected.said, said)
        raise Trouble(FAILED, f"{told} [{rejected.code}]", rejected.code) from rejected
    show(as_json, spoken(checked.to_json()), lines(checking.table(checked, said)))


@app.command(
    epilog=EXIT_CODES,
    help=gettext(
        "Upload a model file. A file that your team has sent before makes no new submission and "
        "uses no quota."
    ),
)
def submit(
    file: File,
    competition: Into,
    note: Annotated[str, typer.Option(help=gettext("A note for you and your team."))] = "",
    branch: Annotated[
        str,
        typer.Option(
            envvar="FEATHERWEIGHT_BRANCH",
            help=gettext("The branch of your repository. --no-worse compares within it."),
        ),
    ] = "",
    test: Annotated[
        bool,
        typer.Option(
            "--test",
            help=gettext(
                "Only try the model on the sample, on a machine of the server. It has no score "
                "and uses no upload."
            ),
        ),
    ] = False,
    wait: Wait = False,
    max_score: MaxScore = None,
    no_worse: NoWorse = False,
    as_json: AsJson = False,
) -> None:
    with connected() as server:
        if test:
            if no_worse or max_score is not None:
                raise Trouble(WRONG_USAGE, gettext("A trial has no score. Leave out the limits."))
            trials.try_out(server, file, competition, as_json=as_json)
            return
        told = {"note": note, "branch": branch}
        submission = send(server, file, competition, purpose="submission", **told)
        if not submission["is_new"]:
            err.print(gettext("Your team sent this model before. This is the earlier submission."))
        wanted = Wanted(wait=wait, max_score=max_score, no_worse=no_worse)
        finish(server, submission, wanted, as_json=as_json)


@app.command(epilog=EXIT_CODES, help=gettext("Show a submission of your team."))
def status(
    submission_id: Number,
    wait: Wait = False,
    max_score: MaxScore = None,
    no_worse: NoWorse = False,
    as_json: AsJson = False,
) -> None:
    with connected() as server:
        submission = server.ask("GET", f"submissions/{submission_id}")
        wanted = Wanted(wait=wait, max_score=max_score, no_worse=no_worse)
        finish(server, submission, wanted, as_json=as_json)


@app.command(epilog=EXIT_CODES, help=gettext("Show the board of a competition, best score first."))
def board(
    competition: Slug,
    private: Annotated[
        bool, typer.Option("--private", help=gettext("Show the final ranking."))
    ] = False,
    track: Annotated[
        str, typer.Option("--track", help=gettext("The slug of a track of the competition."))
    ] = "",
    as_json: AsJson = False,
) -> None:
    name = "private" if private else "public"
    with connected() as server:
        asked = {"track": track} if track else {}
        page = server.ask_whole(f"competitions/{competition}/boards/{name}", asked)
    title = ", ".join(filter(None, (competition, name, track)))
    show(as_json, page, board_table(page, title=title))


def board_table(page: dict[str, Any], *, title: str) -> Table:
    """A board's rows, with reference and baselines before the first row that each beats.

    Rows without a rank stand below them, whatever their score.
    """
    names = (
        gettext("rank"),
        gettext("likely"),
        gettext("team"),
        gettext("score"),
        gettext("quality"),
    )
    table = Table(*names, gettext("time ratio"), "", title=title)
    left = beside(page)
    for row in page["results"]:
        while left and is_before(left[0], row):
            add_beside(table, left.pop(0))
        mark = gettext("tied") if row["tied"] else ""
        table.add_row(str(row["rank"] or "-"), likely(row), plain(row["team"]), *cells(row), mark)
    for one in left:
        add_beside(table, one)
    return table


def beside(page: dict[str, Any]) -> list[dict[str, Any]]:
    """The reference and the baselines of a board, the best one first."""
    found = [{**one, "mark": gettext("baseline")} for one in page["baselines"]]
    if page["baseline"]:
        found.append({**page["baseline"], "is_ranked": True, "mark": gettext("reference")})
    return sorted(found, key=lambda one: (not one["is_ranked"], one["score"]))


def is_before(one: dict[str, Any], row: dict[str, Any]) -> bool:
    return row["rank"] is None or bool(one["is_ranked"] and row["score"] > one["score"])


def add_beside(table: Table, one: dict[str, Any]) -> None:
    table.add_row("", "", plain(one["name"]), *cells(one), one["mark"], style="dim")


def cells(row: dict[str, Any]) -> tuple[str, str, str]:
    """Score, quality and time ratio of a row."""
    return figures(row, score=row["score"], half_width=row["score_half_width"])


def likely(row: dict[str, Any]) -> str:
    """The ranks that other images of the same kind would give."""
    first, last = row["likely_first"], row["likely_last"]
    return "" if first is None else str(first) if first == last else f"{first} - {last}"


def rules_of(competition: dict[str, Any], file: Path) -> dict[str, Any]:
    """What a competition asks of a file. Raises `Trouble` (too_large)."""
    most, size = competition["limits"]["max_upload_bytes"], file.stat().st_size
    if size > most:
        sentence = gettext(
            "The size of the file is %(size)s MB. This competition accepts %(limit)s MB."
        )
        told = sentence % {"size": f"{size / 1e6:.1f}", "limit": f"{most / 1e6:g}"}
        raise Trouble(FAILED, f"{told} [too_large]", "too_large")
    given = dict(competition["input"])
    bounds = InputBounds(min_size=given.pop("min_size"), max_size=given.pop("max_size"))
    try:
        default = InputSpec.from_json(given)
    except ValueError as error:
        sentence = gettext("The server is newer than this command. Install it again: %(error)s")
        raise Trouble(REFUSED, sentence % {"error": error}) from error
    hardware = competition["hardware"] or {}
    return {"default": default, "bounds": bounds, "device": hardware.get("device", "cpu")}
