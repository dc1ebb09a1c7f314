"""What the demo prints: boards, addresses, and a warning if the sandbox is weak."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from leaderboard.demo.entrants import PASSWORD, SLUG, Entrant
from leaderboard.models import Evaluation
from leaderboard.rounding import interval, rounded
from leaderboard.sentences import said


def table(title: str, rows: list[dict[str, Any]]) -> Table:
    shown = Table(title=title)
    for heading in ("rank", "team", "score", "quality", "time ratio", ""):
        shown.add_column(heading, justify="left" if heading == "team" else "right")
    for row in rows:
        shown.add_row(
            str(row["rank"] or "-"),
            row["team"],
            interval(row["score"], row["score_half_width"], 4),
            str(rounded(row["quality"], 4)),
            interval(row["time_ratio"], row["half_width"], 3),
            "tied" if row["tied"] else "",
        )
    return shown


def show_weakness(console: Console) -> None:
    """Warn if models ran with less than the whole sandbox."""
    weak = Evaluation.objects.filter(isolation__is_weak=True).first()
    if weak is None or weak.isolation is None:
        return
    missing = "\n".join(f"  missing: {said(one)}" for one in weak.isolation["missing"])
    console.print(
        Panel(
            "This machine isolates models less than a real competition requires:\n"
            f"{missing}\n"
            "The demo runs only its own models. Do not upload models of other people. A worker "
            "without ALLOW_WEAK_SANDBOX runs no model on this machine.",
            title="WEAK SANDBOX",
            style="bold red",
        )
    )


def show_doors(
    console: Console, site: str, entrants: list[Entrant], models: dict[str, Path]
) -> None:
    console.rule("Doors")
    doors = {
        "boards": f"{site}/competitions/{SLUG}/boards/public/",
        "API": f"{site}/api/docs",
        "admin": f"{site}/admin/  login organizer / {PASSWORD}",
        "participants": f"{', '.join(one.user for one in entrants)} / {PASSWORD}",
        "models": str(next(iter(models.values())).parent),
    }
    for name, door in doors.items():
        console.print(f"  {name:12} {door}")
