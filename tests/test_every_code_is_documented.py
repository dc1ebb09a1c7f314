"""docs/codes.md has a row for every code that can occur, and no other row."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from django.utils.translation import override
from rest_framework.exceptions import APIException

from leaderboard.api import refusals
from leaderboard.api.codes import MEANINGS, OF_REQUESTS
from leaderboard.api.errors import CODES
from leaderboard.api.schema import generated

ROOT = Path(__file__).parent.parent
SOURCES = [path for room in ("leaderboard", "scoring") for path in (ROOT / room).rglob("*.py")]
CODE_FIRST = {"Rejected", "ModelFailed", "BadDataset", "EngineError", "Flaw"}
CODE_SECOND = {"Problem", "ErrorAnswer", "AuthenticationFailed"}
"""Of these calls the first or the second argument is a code, if more than one is given."""
CODE_THIRD = {"Trouble"}
"""Of the participant's command, whose `--json` shows it."""
TOKEN = re.compile(r"`([a-z][a-z0-9_]+)`")


def patterns() -> set[str]:
    """Every code in the sources, as a regular expression: `reference_.+` stands for many."""
    trees = [ast.parse(path.read_text()) for path in SOURCES]
    constants = {
        target.id: node.value.value
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found = {written(node, constants) for tree in trees for node in code_nodes(tree)}
    front = re.findall(r'"code": "(\w+)"', (ROOT / "docs" / "front" / "site.conf").read_text())
    return (found | set(front) | of_rest_framework()) - {""}


def code_nodes(tree: ast.AST) -> Iterator[ast.expr]:
    """The expressions of a source that stand for a code."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=given):
                places = {0} if name in CODE_FIRST else {1} if name in CODE_SECOND else set()
                places |= {2} if name in CODE_THIRD else set()
                if len(given) > 1:
                    yield from (given[place] for place in places if place < len(given))
                for keyword in node.keywords:
                    if keyword.arg == "code":
                        yield keyword.value
            case ast.ClassDef():
                for one in node.body:
                    match one:
                        case ast.Assign(targets=[ast.Name(id="code")]):
                            yield one.value
            case ast.Assign(targets=[ast.Tuple(elts=[ast.Name(id="code"), *_])], value=ast.Tuple()):
                assert isinstance(node.value, ast.Tuple)
                yield node.value.elts[0]


def written(node: ast.expr, constants: Mapping[str, object]) -> str:
    """A code that stands in the source as a text or a constant; empty for a variable."""
    match node:
        case ast.Constant(value=str(code)) if re.fullmatch(r"[a-z][a-z0-9_]+", code):
            return code
        case ast.JoinedStr(values=parts):
            pieces = [one.value if isinstance(one, ast.Constant) else ".+" for one in parts]
            return "".join(map(str, pieces))
        case ast.Name(id=name) | ast.Attribute(attr=name) if name.isupper():
            return str(constants.get(name, ""))
    return ""


def of_rest_framework() -> set[str]:
    """What the framework refuses with, by the names that this API gives it."""
    kinds = [kind for kind in APIException.__subclasses__() if kind.status_code < 500]
    return {CODES.get(kind.default_code, kind.default_code) for kind in kinds}


def is_of(code: str, pattern: str, codes: set[str]) -> bool:
    """Whether a pattern stands for a code; behind `reference_` a code of a model must follow."""
    prefix, mark, rest = pattern.partition(".+")
    if mark and not rest:
        return code.startswith(prefix) and code.removeprefix(prefix) in codes
    return re.fullmatch(pattern, code) is not None


def documented() -> set[str]:
    """The codes in the first cells of the tables of docs/codes.md."""
    lines = (ROOT / "docs" / "codes.md").read_text().splitlines()
    cells = [line.split("|")[1] for line in lines if line.startswith("| `")]
    return {code for cell in cells for code in TOKEN.findall(cell)}


def test_every_code_has_a_row() -> None:
    known, codes = documented(), patterns()
    assert len(codes) > 120
    missing = [code for code in codes if not any(is_of(one, code, codes) for one in known)]
    assert sorted(missing) == []


def test_every_row_is_of_a_code_there_is() -> None:
    codes = patterns()
    strange = [one for one in documented() if not any(is_of(one, code, codes) for code in codes)]
    assert sorted(strange) == []


def test_the_api_tells_what_the_rows_tell() -> None:
    """docs/codes.md has the same meaning and status for each code as the description of the API."""
    lines = (ROOT / "docs" / "codes.md").read_text().splitlines()
    rows = [line.split("|")[1:-1] for line in lines if line.startswith("| `")]
    told = {
        (code, cell.strip().replace("*", "").removesuffix(" Status 413."))
        for first, *more in rows
        for code in TOKEN.findall(first)
        for cell in more
    }
    with override("en"):
        strange = [one for one in MEANINGS.items() if (one[0], str(one[1])) not in told]
    assert strange == []
    statuses = {(code, status) for code, cell in told for status in re.findall(r"\b\d{3}\b", cell)}
    odd = [(code, row[0]) for code, row in OF_REQUESTS.items() if code != "too_large"]
    assert [one for one in odd if (one[0], str(one[1])) not in statuses] == []


def test_each_code_of_the_api_is_of_a_call() -> None:
    calls = {
        operation["operationId"]
        for methods in generated()["paths"].values()
        for operation in methods.values()
    }
    assert set(refusals.OF_CALLS) - calls == set()
    shared = {one.code for group in refusals.GROUPS.values() for one in group}
    own = {one.code for call in refusals.OF_CALLS for one in refusals.own(call)}
    assert MEANINGS.keys() - shared - own == set()


def test_of_checks_in_the_policy_of_security() -> None:
    source = (ROOT / "leaderboard" / "checks.py").read_text()
    codes = set(re.findall(r"featherweight\.\w\d{3}", source))
    assert len(codes) == 6
    assert codes <= set(re.findall(r"`([\w.]+)`", (ROOT / "SECURITY.md").read_text()))
