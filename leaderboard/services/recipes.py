"""The recipes of the starter kit as pages show them: the source of the functions that are run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from leaderboard import kit
from leaderboard.models import Competition

SOURCE = Path(kit.__file__).parent / "files" / "recipes.py"
BY_FORMAT = {
    "torchscript": ("torchscript", "torchscript_bfloat16", "torchscript_int8"),
    "onnx": ("onnx", "onnx_int8"),
}
SMALLER = ("narrowed", "taught")
"""Recipes that make the network smaller, whatever its format becomes."""
NEEDED = {"torchscript_bfloat16": ("Bfloat16",), "onnx_int8": ("Batches",)}
"""Other definitions that a recipe calls."""


def taken(competition: Competition) -> Iterator[tuple[str, str]]:
    """Names and sources of the recipes for the formats that a competition takes."""
    sources = definitions()
    for form, names in {**BY_FORMAT, "": SMALLER}.items():
        if form and form not in competition.formats:
            continue
        for name in names:
            yield name, "\n\n\n".join(sources[one] for one in (*NEEDED.get(name, ()), name))


@cache
def definitions() -> dict[str, str]:
    """The source of each function and class of the recipes."""
    text = SOURCE.read_text()
    return {
        node.name: ast.get_source_segment(text, node) or ""
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
