"""What the command prints: answers on standard output, everything else on standard error."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from leaderboard.rounding import interval, rounded

out = Console()
err = Console(stderr=True)


def show(as_json: bool, answer: Any, words: Table | Text | str) -> None:
    """Print the answer of the server as JSON, or these words instead."""
    if as_json:
        print(json.dumps(answer, indent=2))
    else:
        out.print(words, soft_wrap=not isinstance(words, Table), markup=False)


def plain(text: str) -> Text:
    """Text of other people without markup and without codes for the terminal."""
    return Text(
        "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    )


def figures(one: dict[str, Any], *, score: float, half_width: float) -> tuple[str, str, str]:
    """Score, quality and time ratio, as a table shows them."""
    return (
        interval(score, half_width, 4),
        f"{rounded(one['quality'], 4)}",
        interval(one["time_ratio"], one["half_width"], 3),
    )


def lines(text: str) -> Text:
    """`plain` for text of several lines."""
    return Text("\n").join(map(plain, text.split("\n")))
