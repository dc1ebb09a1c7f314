"""How the time of a submission was measured."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from leaderboard.cli.commands import EXIT_CODES, app
from leaderboard.cli.languages import gettext
from leaderboard.cli.options import AsJson, Number
from leaderboard.cli.screen import out, plain, show
from leaderboard.cli.server import FAILED, Trouble, connected


@app.command(
    epilog=EXIT_CODES,
    help=gettext("Show how the time of a submission was measured: its segments and the machine."),
)
def measurement(submission_id: Number, as_json: AsJson = False) -> None:
    with connected() as server:
        found = server.ask("GET", f"submissions/{submission_id}/measurement")
    if not found["segments"] and not as_json:
        sentence = gettext("#%(id)d has no score, so no segment is shown.")
        raise Trouble(FAILED, sentence % {"id": submission_id}, "not_scored")
    show(as_json, found, table_of(found))
    if not as_json:
        for sentence in found["findings"]:
            out.print(plain(sentence), soft_wrap=True)
        out.print(plain(machine(found["machine"])), soft_wrap=True)


def table_of(found: dict[str, Any]) -> Table:
    """A row for each segment."""
    table = Table(gettext("segment"), gettext("measurement"), gettext("time ratio"))
    table.add_column(gettext("reference, ms per image"))
    for one in found["segments"]:
        reference = f"{1000 * one['reference_seconds_per_image']:.2g}"
        table.add_row(
            str(one["number"]), plain(one["measurement"]), f"{one['ratio']:.2g}", reference
        )
    return table


def machine(found: dict[str, Any]) -> str:
    """The machine in a line."""
    named = [found.get(name) for name in ("gpu", "cpu", "kernel")]
    return ", ".join(str(name) for name in named if name)
