"""Every refusal of the site is said through gettext: each code has a sentence in each language.

Sentences of the engine are templates of `scoring.sentences.say`.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

from leaderboard import errors

ROOT = Path(__file__).parent.parent.parent
SITE = [
    path
    for path in sorted((ROOT / "leaderboard").rglob("*.py"))
    if not {"demo", "management", "migrations"} & set(path.parts)
]
SAID_BY_THE_SITE = {
    *(name for name, found in inspect.getmembers(errors) if inspect.isclass(found)),
    *("AuthenticationFailed", "ParseError", "Problem", "Trouble", "ValidationError"),
}
FEWEST_LETTERS = 12
"""A shorter text is a code, or joins sentences."""


def untranslated() -> Iterator[str]:
    """Refusals in the site's sources whose sentence is a plain string."""
    for path in SITE:
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Name(id=name), args=given) if name in SAID_BY_THE_SITE:
                    for argument in given:
                        if is_plain(argument):
                            yield f"{path.relative_to(ROOT)}:{node.lineno}"


def is_plain(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=str(text)):
            return len(text) > FEWEST_LETTERS and " " in text
        case ast.JoinedStr(values=parts):
            texts = [str(one.value) for one in parts if isinstance(one, ast.Constant)]
            return max(map(len, texts), default=0) > FEWEST_LETTERS
    return False


def test_every_refusal_of_the_site_is_said_through_gettext() -> None:
    assert list(untranslated()) == []
