""".ci/run fails for a known vulnerability, and says aloud what it could not look up."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

CI = (Path(__file__).parent.parent / ".ci/run").read_text()
AUDIT = re.search(r"^audit\(\) \{.*?^\}", CI, re.DOTALL | re.MULTILINE)[0]


@pytest.mark.parametrize(
    ("said", "status", "passes", "told"),
    [
        ("No known vulnerabilities found", 0, True, ""),
        ("Found 1 known vulnerability in 1 package\nvine 5.1.0 CVE-1", 1, False, "CVE-1"),
        (
            "vine  could not be audited: vine\namqp  could not be audited: amqp",
            0,
            True,
            "of 2 pack",
        ),
        ("Traceback ...\nConnectionError: no route", 1, True, "ConnectionError: no route"),
    ],
)
def test_each_end(tmp_path: Path, said: str, status: int, passes: bool, told: str) -> None:
    program = tmp_path / ".venv/bin/pip-audit"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\nexit {status}\n")
    program.chmod(0o755)
    done = subprocess.run(
        ["bash", "-c", f"set -euo pipefail\n{AUDIT}\nif audit; then exit 0; else exit 1; fi"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode == 0) == passes, done.stderr
    assert told in done.stdout
    assert ("NOT" in done.stdout) == (passes and bool(told))
