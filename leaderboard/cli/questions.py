"""Questions: read what was answered, and ask the organizers."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from leaderboard.cli.commands import EXIT_CODES, app
from leaderboard.cli.languages import gettext
from leaderboard.cli.options import AsJson, Slug
from leaderboard.cli.screen import lines, plain, show
from leaderboard.cli.server import connected


@app.command(
    epilog=EXIT_CODES,
    help=gettext(
        "Show frequently asked questions, public answers, and the questions of your team."
    ),
)
def questions(competition: Slug, as_json: AsJson = False) -> None:
    with connected() as server:
        often = server.ask("GET", f"competitions/{competition}/faq", params={"limit": 1000})
        asked = server.ask("GET", f"competitions/{competition}/questions")
    found = {"faq": often["results"], "questions": asked["results"]}
    pieces = [told(one["question"], one["answer"]) for one in found["faq"]]
    pieces += [told(one["text"], one["answer"]) for one in found["questions"]]
    nothing = gettext(
        'There are no questions yet. To ask one: featherweight ask %(competition)s "..."'
    )
    words = Text("\n\n").join(pieces) or plain(nothing % {"competition": competition})
    show(as_json, found, words)


def told(question: str, answer: str) -> Text:
    """A question and its answer. Without an answer, the words say that it waits for one."""
    words = answer or gettext("(waiting for an answer)")
    return Text("\n").join([lines(question).copy(), lines(words)])


@app.command(
    epilog=EXIT_CODES,
    help=gettext("Ask the organizers a question. Your team reads the answer, or everybody."),
)
def ask(
    competition: Slug,
    question: Annotated[str, typer.Argument(metavar="QUESTION")],
    may_be_named: Annotated[
        bool,
        typer.Option("--named", help=gettext("A public answer may show your user name.")),
    ] = False,
    as_json: AsJson = False,
) -> None:
    sent: dict[str, Any] = {"text": question, "may_be_named": may_be_named}
    with connected() as server:
        made = server.ask("POST", f"competitions/{competition}/questions", json=sent)
    words = gettext("The organizers got your question. You get a notice when they answer.")
    show(as_json, made, words)
