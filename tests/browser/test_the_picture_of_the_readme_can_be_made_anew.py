"""`python -m benchmarks.picture` takes a picture of a board with many teams."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from PIL import Image

from tests.browser.conftest import CHROMIUM


@pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed.")
def test_the_picture_of_a_board(tmp_path: Path) -> None:
    target = tmp_path / "pictures" / "board.webp"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.picture", "--teams", "12", "--output", str(target)],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    with Image.open(target) as picture:
        assert picture.width >= 1000
        assert picture.height > 1000  # a row for each team, beside the chart
        assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 100  # and no empty page
