"""The recipes of the starter kit as pages show them: the source of the functions that are run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from leaderboard import kit
from leaderboard.models import Competition
from scoring.formats import FORMATS

SOURCE = Path(kit.__file__).parent / "files" / "recipes.py"
SMALLER = ("narrowed", "taught")
"""Recipes that make the network smaller, whatever its format becomes."""
NEEDED = {"torchscript_bfloat16": ("Bfloat16",), "onnx_int8": ("Batches",)}
"""Other definitions that a recipe calls."""


def taken(competition: Competition) -> Iterator[tuple[str, str]]:
    """Names and sources of the recipes for the formats that a competition takes."""
    sources = definitions()
    names = [name for form in competition.formats for name in sources if format_of(name) == form]
    for name in (*names, *SMALLER):
        yield name, "\n\n\n".join(sources[one] for one in (*NEEDED.get(name, ()), name))


def format_of(name: str) -> str:
    """The format that a recipe writes: it begins the recipe's name. Empty if there is none."""
    return next((one.name for one in FORMATS if f"{name}_".startswith(f"{one.name}_")), "")


@cache
def definitions() -> dict[str, str]:
    """The source of each function and class of the recipes."""
    text = SOURCE.read_text()
    return {
        node.name: ast.get_source_segment(text, node) or ""
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
