"""What `make lint` holds beyond style: sizes that a reader can take in.

    python .ci/house.py

Prints each breach on a line and exits with 1 if there is one. Migrations do not count.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST_LINES, MOST_LINES_OF_A_FUNCTION, MOST_WORDS = 400, 40, 1500
WIDEST = 160
CODE = ("leaderboard", "scoring")


def main() -> int:
    breaches = [*sizes(), *widths(), *readme()]
    print("\n".join(breaches) or "The house is in order.")
    return 1 if breaches else 0


def sizes() -> Iterator[str]:
    """Files and functions that are too long. A docstring is part of its function."""
    for path in tracked("*.py"):
        if path.parts[0] not in CODE or "migrations" in path.parts:
            continue
        text = (ROOT / path).read_text()
        if (lines := text.count("\n")) > MOST_LINES:
            yield f"{path}: {lines} lines; {MOST_LINES} is the limit. Part it by idea."
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MOST_LINES_OF_A_FUNCTION:
                    yield (
                        f"{path}:{node.lineno}: {node.name} has {length} lines; "
                        f"{MOST_LINES_OF_A_FUNCTION} is the limit."
                    )


def widths() -> Iterator[str]:
    """Lines of templates that are too wide."""
    for path in tracked("*.html"):
        for number, line in enumerate((ROOT / path).read_text().splitlines(), start=1):
            if len(line) > WIDEST:
                yield f"{path}:{number}: {len(line)} characters; {WIDEST} is the limit."


def readme() -> Iterator[str]:
    words = len((ROOT / "README.md").read_text().split())
    if words > MOST_WORDS:
        yield f"README.md: {words} words; {MOST_WORDS} is the limit. Move some to docs/."


def tracked(pattern: str) -> list[Path]:
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run([*command, pattern], capture_output=True, text=True, check=True)
    return [Path(name) for name in names.stdout.splitlines()]


if __name__ == "__main__":
    sys.exit(main())
