"""Whatever the engine writes into a report has a sentence for people in `leaderboard.web.words`."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import translation

from leaderboard.web import words
from scoring import pairing
from scoring.sandbox import parent
from scoring.timing import findings, machine


def texts(function: Callable[..., Any]) -> Iterator[str]:
    """Texts of several words in a function, but for its docstring; 7 for what is filled in."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    body = tree.body[0]
    assert isinstance(body, ast.FunctionDef)
    todo: list[ast.AST] = list(body.body[1:])
    while todo:
        node = todo.pop()
        if isinstance(node, ast.JoinedStr):
            parts = [one.value if isinstance(one, ast.Constant) else "7" for one in node.values]
            yield "".join(str(part) for part in parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        else:
            todo += ast.iter_child_nodes(node)


@pytest.mark.parametrize("function", [findings.flags, parent.Sandbox.isolation])
def test_each_finding_and_each_layer_is_known(function: Callable[..., Any]) -> None:
    found = [text for text in texts(function) if " " in text]
    assert found
    for text in found:
        assert words.sentence(text) != text, text
        with translation.override("ko"):
            assert not words.sentence(text).isascii()


@pytest.mark.parametrize(
    "text",
    [
        *(text for text in texts(pairing.in_force) if " " in text and "7" not in text),
        "1 thread each",
        "4 threads each",
        "reference frozen and optimized",
        "submission not frozen",
        "models pinned to core 3",
        "models pinned to cores 2, 3",
        "measurer kept off it",
        f"priority raised (nice {machine.FOREMOST}, autogroup nice {machine.FOREMOST})",
    ],
)
def test_what_was_in_force_is_known(text: str) -> None:
    with translation.override("ko"):
        told = words.sentence(text)
    assert not told.isascii()
    assert all(number in told for number in words.NUMBERS.findall(text))


def test_what_is_not_known_is_shown_as_it_is() -> None:
    assert words.sentence("3 {0} strange words") == "3 {0} strange words"
