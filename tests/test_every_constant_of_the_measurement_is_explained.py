"""MEASUREMENT.md names every number of scoring/timing with the value it has in the code."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest

from scoring import timing

PAGE = Path(timing.__file__).with_name("MEASUREMENT.md")
ROW = re.compile(r"^\| `([\w.]+)` \| (.+?) \| ", re.MULTILINE)
ROOMS = ("scoring.timing.", "scoring.", "leaderboard.", "leaderboard.models.hardware.")
NUMBER = (int, float)


def table() -> dict[str, Any]:
    return {name: evaluated(value) for name, value in ROW.findall(PAGE.read_text())}


def evaluated(written: str) -> Any:
    """A number, tuple or dictionary; also products, quotients and shifts of two numbers."""
    if found := re.fullmatch(r"(\d+) (/|<<) (\d+)", written):
        left, right = int(found[1]), int(found[3])
        return left / right if found[2] == "/" else left << right
    return ast.literal_eval(written)


def in_code() -> dict[str, Any]:
    """Module-level numbers of scoring/timing, where they are assigned."""
    found = {}
    for module in pkgutil.iter_modules(timing.__path__):
        imported = importlib.import_module(f"{timing.__name__}.{module.name}")
        for name in assigned(Path(str(imported.__file__))):
            if is_numeric(value := getattr(imported, name)):
                found[f"{module.name}.{name}"] = value
    return found


def assigned(path: Path) -> list[str]:
    """Names that a module assigns at its top."""
    found: list[str] = []
    for line in ast.parse(path.read_text()).body:
        targets = line.targets if isinstance(line, ast.Assign) else []
        if isinstance(line, ast.AnnAssign):
            targets = [line.target]
        parts = (one for target in targets for one in ast.walk(target))
        found += [one.id for one in parts if isinstance(one, ast.Name)]
    return found


def is_numeric(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(is_numeric, value.values()))
    if isinstance(value, tuple):
        return all(map(is_numeric, value))
    return isinstance(value, NUMBER)


def value_of(name: str) -> Any:
    """What the code has under a name of the table: a constant, or a field's default."""
    room, *rest = name.split(".")
    if room[0].isupper():
        model = getattr(importlib.import_module("leaderboard.models"), room)
        return model._meta.get_field(rest[0]).default
    for start in ROOMS:
        for cut in range(len(rest), 0, -1):
            path = ".".join([room, *rest[: cut - 1]])
            try:
                found = importlib.import_module(start + path)
            except ModuleNotFoundError:
                continue
            for part in rest[cut - 1 :]:
                found = getattr(found, part)
            return found
    raise AssertionError(f"{name} is nowhere.")


def test_every_number_is_in_the_table() -> None:
    missing = sorted(in_code().keys() - table().keys())
    assert not missing, f"MEASUREMENT.md lacks {', '.join(missing)}."


@pytest.mark.parametrize("name", table())
def test_every_number_of_the_table_is_that_of_the_code(name: str) -> None:
    assert table()[name] == value_of(name)
