"""A picture of a board with many teams, as the README shows it: invented teams on real pages.

    python -m benchmarks.picture --output docs/pictures/board.webp

The figures are invented, and recorded by the service that workers use. The site serves them from a
database of its own, and Chromium takes the picture. Nothing is measured.
"""

from __future__ import annotations

import argparse
import io
import math
import os
import random
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

if TYPE_CHECKING:
    from leaderboard.models import Competition

ROOT = Path(__file__).parents[1]
WIDTH, HEIGHT = 1280, 1080
START_SECONDS = 60.0
QUALITY = 70
"""The quality of the WebP file."""
CHART_SECONDS = 1.5
"""Seconds until the chart has come to rest."""
FORMATS = ("torchscript", "onnx", "onnx")
NUMBER_TYPES = ("float32", "int8", "bfloat16", "float32", "int8")
NAMES = [
    "Night Shift",
    "Tiny Giants",
    "Green Bin",
    "Half Precision",
    "Paper Cut",
    "Fast Lane",
    "Glass Ceiling",
    "Cold Start",
    "Pruned Plum",
    "Small Batch",
    "Zero Padding",
    "Quick Quokka",
    "Light Meter",
    "Can Do",
    "Second Wind",
    "Byte Size",
    "Recycled Ideas",
    "Low Rank",
    "Thin Ice",
    "Soft Max",
    "Early Exit",
    "Bottle Neck",
    "Distilled",
    "Tin Foil",
    "Loose Leaf",
    "Carton Network",
]


def main() -> int:
    options = parser().parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        print("Chromium is not installed (Debian: apt-get install chromium).", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory(prefix="featherweight-picture-") as folder:
        site = f"http://127.0.0.1:{free_port()}"
        os.environ.update(settings(Path(folder), site))
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        address = fill(options.teams, random.Random(options.seed))  # noqa: S311 - no secret
        with served(site), sync_playwright() as playwright:
            # Root, as in a container, has no sandbox.
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            picture = taken(site + address, browser)
            browser.close()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    picture.save(options.output, quality=QUALITY, method=6)
    size = options.output.stat().st_size / 1000
    print(f"{options.output}: {picture.width} x {picture.height} pixels, {size:.0f} kB")
    return 0


def settings(folder: Path, site: str) -> dict[str, str]:
    """A site of its own, whatever the environment says of another one."""
    return {
        "DJANGO_SETTINGS_MODULE": "leaderboard.settings",
        "DEBUG": "1",
        "SECRET_KEY": secrets.token_urlsafe(40),
        "SITE_URL": site,
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
        "REDIS_URL": "",
        "EMAIL_URL": "",
        "FILES_DIR": f"{folder}/files",
        "CACHE_DIR": f"{folder}/cache",
        "LOG_LEVEL": "ERROR",
    }


def fill(teams: int, chance: random.Random) -> str:
    """Write a competition with so many teams on its board; returns the board's address."""
    from django.utils import timezone

    from benchmarks.scale import world

    competition = world.make_competition()
    competition.title = "Light enough for a sorting robot"
    competition.ends_at = timezone.now() + timedelta(days=9)
    competition.min_quality = 0.69
    competition.save()
    for number in range(teams):
        lap, name = divmod(number, len(NAMES))
        enter(competition, NAMES[name] + (f" {lap + 1}" if lap else ""), number, chance)
    return f"{competition.get_absolute_url()}boards/public/"


def enter(competition: Competition, name: str, number: int, chance: random.Random) -> None:
    """One team with one scored submission: who takes more time may answer better."""
    from django.utils import timezone

    from benchmarks.scale import world
    from leaderboard.models import Submission, Team
    from leaderboard.services import queueing, recording, running

    team = Team.objects.create(competition=competition, name=name, skeleton=name.casefold())
    submission = Submission.objects.create(
        competition=competition,
        team=team,
        door=Submission.Door.API,
        file="models/one.pt",
        file_name="model.pt",
        sha256=f"{number:064x}",
        content_sha256=f"{number:064x}",
        size_bytes=5_000_000,
        static=world.static_report(),
        format=FORMATS[number % len(FORMATS)],
        number_type=NUMBER_TYPES[number % len(NUMBER_TYPES)],
        uploaded_at=timezone.now() - timedelta(hours=chance.uniform(1, 400)),
    )
    queueing.enqueue(competition=competition, submission=submission)
    claimed = running.claim(competition.profile)
    assert claimed
    ratio = math.exp(chance.uniform(math.log(0.08), math.log(1.5)))
    quality = 0.83 - 0.17 * math.exp(-2.6 * ratio) + chance.gauss(0, 0.016)
    found = world.report(chance, quads=16)
    assert found.timing
    recording.record(
        claimed,
        replace(
            found,
            splits={split: replace(one, quality=quality) for split, one in found.splits.items()},
            timing=replace(
                found.timing,
                time_ratio=ratio,
                half_width=ratio * chance.uniform(0.007, 0.014),
                seconds_per_image=0.01 * ratio,
            ),
        ),
    )


@contextmanager
def served(site: str) -> Iterator[None]:
    """The site in a process of its own, which reads the settings from the environment."""
    command = [sys.executable, "manage.py", "runserver", "--noreload", site.removeprefix("http://")]
    server = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        await_answer(f"{site}/healthz")
        yield
    finally:
        server.terminate()
        server.wait(20)


def await_answer(address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            httpx.get(address).raise_for_status()
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def taken(address: str, browser: Browser) -> Image.Image:
    """What a window of that size shows of a page."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    page.goto(address, wait_until="networkidle")
    page.wait_for_timeout(1000 * CHART_SECONDS)
    picture = page.screenshot()
    page.close()
    return Image.open(io.BytesIO(picture))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def parser() -> argparse.ArgumentParser:
    command = argparse.ArgumentParser(
        "python -m benchmarks.picture",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--output", type=Path, default=ROOT / "docs" / "pictures" / "board.webp")
    command.add_argument("--teams", type=int, default=len(NAMES))
    command.add_argument("--seed", type=int, default=7)
    return command


if __name__ == "__main__":
    sys.exit(main())
