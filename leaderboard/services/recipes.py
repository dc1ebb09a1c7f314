"""The recipes of the starter kit as pages show them: the source of the functions that are run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from leaderboard import kit
from leaderboard.models import Competition
from scoring import formats

SOURCE = Path(kit.__file__).parent / "files" / "recipes.py"
SMALLER = ("narrowed", "taught")
"""Recipes that make the network smaller, whatever its format becomes."""
NEEDED = {"torchscript_bfloat16": ("Bfloat16",), "onnx_int8": ("Batches",)}
"""Other definitions that a recipe calls."""


def taken(competition: Competition) -> Iterator[tuple[str, str]]:
    """Names and sources of the recipes for the formats that a competition takes."""
    sources = definitions()
    names = [name for form in competition.formats for name in table().get(form, {}).values()]
    for name in (*names, *SMALLER):
        yield name, "\n\n\n".join(sources[one] for one in (*NEEDED.get(name, ()), name))


def first_file(competition: Competition) -> str:
    """The file of `train.py` that the instructions name: the fastest that every machine writes."""
    one = formats.some(competition.formats)[-1]
    wanted = f"{one.name}_int8" if one.has_int8 else one.name
    return next(file for file, name in table()[one.name].items() if name == wanted)


def reference_file(competition: Competition) -> str:
    """The file of `train.py` that takes the place of the reference, if the reference is not handed
    out."""
    one = formats.some(competition.formats)[0]
    return next(iter(table()[one.name]))


def format_of(name: str) -> str:
    """The format that a recipe writes. Empty for one that makes the network smaller."""
    return next((form for form, files in table().items() if name in files.values()), "")


@cache
def table() -> dict[str, dict[str, str]]:
    """By format: the files that `train.py` writes, and the recipe of each; RECIPES of the kit."""
    for node in ast.parse(SOURCE.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "RECIPES":
            assert isinstance(node.value, ast.Dict)
            return {
                ast.literal_eval(form): named(files)
                for form, files in zip(node.value.keys, node.value.values, strict=True)
                if form
            }
    raise LookupError("recipes.py has no table RECIPES")


def named(files: ast.expr) -> dict[str, str]:
    """The names of functions by the names of their files."""
    assert isinstance(files, ast.Dict)
    pairs = zip(files.keys, files.values, strict=True)
    return {ast.literal_eval(file): ast.unparse(recipe) for file, recipe in pairs if file}


@cache
def definitions() -> dict[str, str]:
    """The source of each function and class of the recipes."""
    text = SOURCE.read_text()
    return {
        node.name: ast.get_source_segment(text, node) or ""
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
