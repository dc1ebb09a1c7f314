"""The site imports parts of the engine without torch; the engine runs without the site."""

import subprocess
import sys

import pytest

BLOCKED_IMPORT = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked}:
            raise ImportError(name)

sys.meta_path.insert(0, Blocked())
import {modules}
"""


@pytest.mark.parametrize(
    ("modules", "blocked"),
    [
        ("scoring.engine, scoring.training, scoring.__main__", ["django", "celery", "leaderboard"]),
        (
            "scoring, scoring.formula, scoring.formats.checking, scoring.job",
            ["torch", "numpy", "PIL"],
        ),
        (
            "scoring.images.report, scoring.hardware, scoring.__main__",
            ["torch", "numpy", "scipy", "imagehash", "charset_normalizer", "sklearn"],
        ),
    ],
)
def test_modules_import_without(modules: str, blocked: list[str]) -> None:
    code = BLOCKED_IMPORT.format(modules=modules, blocked=blocked)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
