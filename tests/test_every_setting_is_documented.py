"""docs/configuration.md has a row for every variable of the environment, with its default."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
READ_ELSEWHERE = {"FEATHERWEIGHT_IMAGE", "TMPDIR"}
"""Variables that the engine or Python itself reads."""
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def rows(heading: str) -> dict[str, list[str]]:
    """The cells beside each variable in the table below a heading."""
    text = (ROOT / "docs" / "configuration.md").read_text()
    _, found, section = text.partition(f"\n## {heading}\n")
    assert found, heading
    lines = section.partition("\n## ")[0].splitlines()
    tables = [line.strip("|").split("|") for line in lines if line.startswith("| `")]
    return {name.strip(" `"): [cell.strip(" `") for cell in more] for name, *more in tables}


def read_in_settings() -> dict[str, ast.expr | None]:
    """The variables that the settings read, with their default values."""
    rooms = [ROOT / "leaderboard" / name for name in ("settings.py", "storage.py")]
    found: dict[str, ast.expr | None] = {}
    for node in (node for room in rooms for node in ast.walk(ast.parse(room.read_text()))):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="env")),
                args=[ast.Constant(value=str(name)), *_],
            ):
                given = {keyword.arg: keyword.value for keyword in node.keywords}
                found[name] = given.get("default", found.get(name))
    return found


def in_compose() -> dict[str, str | None]:
    """The variables of the compose files; None for those that must be set."""
    names = "docker-compose.yml", "docs/front/tls.yml", "docs/metrics/compose.yml"
    files = [ROOT / name for name in names]
    found = VARIABLE.findall("".join(path.read_text() for path in files))
    return {name: default if mark == "-" else None for name, mark, default in found}


def test_every_variable_of_the_settings_has_a_row_and_no_other_has() -> None:
    read = set(read_in_settings())
    assert len(read) > 15
    assert set(rows("Settings of a process")) == read | READ_ELSEWHERE


def test_the_defaults_of_the_settings_are_those_of_the_table() -> None:
    table = rows("Settings of a process")
    for name, default in read_in_settings().items():
        if isinstance(default, ast.Constant) and default.value not in ("", False):
            assert table[name][0] == str(default.value), name


def test_every_variable_of_compose_has_a_row_with_its_default() -> None:
    process, own = rows("Settings of a process"), rows("Settings of the compose file")
    variables = in_compose()
    assert set(own) == set(variables) - set(process)
    for name, default in variables.items():
        stands = process[name][1] if name in process else own[name][0]
        if default is None:
            assert stands.startswith("required"), name
        else:
            assert stands == (default or stands), name


def test_the_form_to_copy_has_every_variable_of_compose() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert {line.partition("=")[0] for line in lines if "=" in line and line[0] != "#"} == set(
        in_compose()
    )


def test_the_variables_of_the_participants_command() -> None:
    rooms = (ROOT / "leaderboard" / "cli").glob("*.py")
    source = "".join(room.read_text() for room in rooms)
    read = set(re.findall(r'"(FEATHERWEIGHT_\w+)"', source))
    assert set(rows("Settings of the participant's command")) == read
