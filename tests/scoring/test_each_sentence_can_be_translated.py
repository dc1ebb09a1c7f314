"""A sentence must be one literal template with facts. Only then can a catalogue hold it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ERRORS = {"Rejected", "ModelFailed", "EngineError", "BadDataset"}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sdg]")
FILES = sorted(
    str(path.relative_to(ROOT))
    for folder in ("scoring", "leaderboard")
    for path in (ROOT / folder).rglob("*.py")
)


def calls(file: str) -> Iterator[tuple[str, ast.Call]]:
    """Each call of a plain name or of a module's function, and that name."""
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                yield node.func.attr, node
            elif isinstance(node.func, ast.Name):
                yield node.func.id, node


@pytest.mark.parametrize("file", [one for one in FILES if one.startswith("scoring/")])
def test_no_finished_text_is_raised(file: str) -> None:
    raised = [call for name, call in calls(file) if name in ERRORS]
    texts = [one for call in raised for one in call.args[1:] if is_text(one)]
    assert not [ast.unparse(text) for text in texts]


def is_text(node: ast.expr) -> bool:
    """Whether an argument is a text or an f-string and no sentence."""
    return isinstance(node, ast.JoinedStr | ast.Constant | ast.BinOp)


@pytest.mark.parametrize("file", FILES)
def test_each_sentence_is_a_literal_that_names_its_facts(file: str) -> None:
    for name, call in calls(file):
        if name != "say" or not call.args:  # `Stages.say()` tells the progress
            continue
        (text,) = call.args
        assert isinstance(text, ast.Constant), ast.unparse(call)
        assert isinstance(text.value, str), ast.unparse(call)
        named = set(PLACEHOLDER.findall(text.value))
        assert {one.arg for one in call.keywords} <= named, ast.unparse(call)
        assert text.value % dict.fromkeys(named, 1), ast.unparse(call)
