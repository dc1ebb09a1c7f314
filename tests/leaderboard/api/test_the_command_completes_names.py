"""The shell offers the names of competitions: of the site, kept for a short time, and no errors."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from leaderboard.models import Competition
from tests.leaderboard.api.conftest import Run

pytestmark = pytest.mark.django_db(transaction=True)
ASKS = "_PYTHON _M LEADERBOARD.CLI_COMPLETE"
"""What a shell sets; `featherweight` has a name without spaces."""


def offered(run: Run, typed: str, **environ: str) -> list[str]:
    """What bash offers for the last word of a line."""
    line = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split(" ")) - 1)}
    done = run(**{ASKS: "complete_bash", **line, **environ})
    assert done.stderr == ""
    return done.stdout.split()


def test_names_come_from_the_site_and_are_kept_for_a_while(
    competition: Competition, run: Run, tmp_path: Path
) -> None:
    assert offered(run, "featherweight board ") == ["waste"]
    assert offered(run, "featherweight submit model.pt -c wa") == ["waste"]
    assert offered(run, "featherweight kit x") == []
    [kept] = tmp_path.rglob("competitions.json")
    found: Any = json.loads(kept.read_text())
    Competition.objects.update(slug="birds")
    assert offered(run, "featherweight board ") == ["waste"]
    kept.write_text(json.dumps(found | {"at": time.time() - 3600}))
    assert offered(run, "featherweight board ") == ["birds"]
    elsewhere = {"FEATHERWEIGHT_URL": "http://127.0.0.1:9"}
    assert offered(run, "featherweight board ", **elsewhere) == []
    kept.write_text(json.dumps(found | {"at": 1, "url": elsewhere["FEATHERWEIGHT_URL"]}))
    assert offered(run, "featherweight board ", **elsewhere) == ["waste"]  # rather than none
    kept.write_text("[")
    os.chmod(kept, 0o400)
    assert offered(run, "featherweight board ") == ["birds"]
    assert offered(run, "featherweight board ", FEATHERWEIGHT_URL="") == []
