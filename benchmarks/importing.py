"""What an import of images costs: seconds and memory of the report, the import, and a new version.

Images are invented: JPEGs with sides of 32 to 512 pixels in ten folders of a zip. Their making is
not counted. Each step runs in a process of its own, through the services that the panel calls for a
large upload. Memory is the peak of that process, with shared libraries. The new version has one
image in a hundred replaced, and is compared with the version before.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import json
import math
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import tables
from benchmarks.scale.__main__ import database

CLASSES = 10
SIDES = 32, 512
REPLACED = 100
"""One image in so many is another one in the new version."""
STEPS = ("report", "import")
BAR_IMAGES, BAR_SECONDS, BAR_MEGABYTES = 25_000, 60, 500
"""Of report and import together, and of each process."""
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Cost:
    """What one step took."""

    images: int
    version: int
    step: str
    seconds: float
    cpu_seconds: float
    """Seconds of the processor. On a busy machine they are fewer than seconds of the clock."""
    megabytes: float
    """The peak of the process."""


def main() -> None:
    options = parser().parse_args()
    if options.step:
        print(json.dumps(measured(options.step, options.source)))
        return
    found = []
    with database(options.sqlite):
        prepare()
        for images in options.images:
            with tempfile.TemporaryDirectory(prefix=f"featherweight-{images}-images-") as folder:
                for version, source in enumerate(list(made(images, Path(folder))), start=1):
                    for step in STEPS:
                        found.append(Cost(images, version, step, **told(step, source)))
                        print(*cells(found[-1]), sep="; ", file=sys.stderr, flush=True)
    if options.json:
        print(json.dumps([dataclasses.asdict(one) for one in found], indent=1))
    else:
        head = ("images", "version", "step", "time", "processor", "peak")
        tables.show(head, [cells(one) for one in found])
        print(tables.machine_line())
    sys.exit(misses(found))


def cells(cost: Cost) -> tuple[str, ...]:
    seconds = f"{cost.seconds:.1f} s", f"{cost.cpu_seconds:.1f} s"
    return f"{cost.images:,}", str(cost.version), cost.step, *seconds, f"{cost.megabytes:.0f} MB"


def misses(found: list[Cost]) -> bool:
    """Whether a bar is missed, with at most as many images as the bar is for."""
    bound = [one for one in found if one.images <= BAR_IMAGES]
    totals: dict[tuple[int, int], float] = {}
    for one in bound:
        key = one.images, one.version
        totals[key] = totals.get(key, 0.0) + one.seconds
    return any(one.megabytes > BAR_MEGABYTES for one in bound) or any(
        seconds > BAR_SECONDS for seconds in totals.values()
    )


# Invented images


def made(images: int, folder: Path) -> Iterator[Path]:
    """Two zips of images: the second one has some others."""
    for version in (1, 2):
        path = folder / f"version-{version}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for number in range(images):
                is_other = version > 1 and number % REPLACED == 0
                name = f"images/class-{number % CLASSES}/{number:06}.jpg"
                archive.writestr(name, picture(number + images * is_other))
        yield path


def picture(seed: int) -> bytes:
    """A JPEG of coloured clouds with some noise; sides are spread evenly by their logarithm."""
    chance = np.random.default_rng(seed)
    low, high = map(math.log, SIDES)
    width, height = np.exp(chance.uniform(low, high, 2)).astype(int)
    clouds = Image.fromarray(chance.integers(0, 256, (12, 12, 3), dtype=np.uint8))
    content = io.BytesIO()
    clouds.resize((int(width), int(height)), Image.Resampling.BICUBIC).save(
        content, "JPEG", quality=88
    )
    return content.getvalue()


# One step, in a process of its own


def prepare() -> None:
    """Make tables and the person who imports."""
    import django

    django.setup()
    from django.core.management import call_command

    from leaderboard.models import User

    call_command("migrate", verbosity=0)
    User.objects.create_superuser("organizer")


def told(step: str, source: Path) -> dict[str, float]:
    """Run a step in a new process."""
    program = [sys.executable, "-m", "benchmarks.importing"]
    command = [*program, "--step", step, "--source", str(source)]
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    found: dict[str, float] = json.loads(said.splitlines()[-1])
    return found


def measured(step: str, source: Path) -> dict[str, float]:
    import django

    django.setup()
    from leaderboard.models import User
    from leaderboard.services import divisions, importing, staging

    by = User.objects.get()
    began, spent = time.perf_counter(), time.process_time()
    if step == "report":
        staged = staging.keep(
            source,
            file_name=source.name,
            name=source.parent.name,
            licence="CC0-1.0",
            encoding=None,
            table=None,
            by=by,
        )
        importing.begin(staged)
    else:
        [staged] = staging.of(by)
        wishes = divisions.Wishes(seed=0, near_apart=True, allow_seen=True)
        importing.decide(staged, name=staged.name, licence=staged.licence, wishes=wishes, by=by)
    while importing.state_of(staged) is importing.State.UNDER_WAY:
        time.sleep(POLL_SECONDS)
    seconds = time.perf_counter() - began
    if trouble := importing.trouble_of(staged):
        sys.exit(trouble)
    return {"seconds": seconds, "cpu_seconds": time.process_time() - spent, "megabytes": peak()}


def peak() -> float:
    """The most memory that this process has held."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1e3


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m benchmarks.importing",
        description=f"Seconds and memory of an import. The exit code is 1 where {BAR_IMAGES:,} "
        f"images or fewer take more than {BAR_SECONDS} s or {BAR_MEGABYTES} MB.",
    )
    found.add_argument(
        "--images",
        type=lambda text: int(text.replace(",", "")),
        nargs="+",
        default=[2_500, 25_000],
        help="One or several numbers (default: 2500 25000).",
    )
    found.add_argument(
        "--quick", action="store_const", dest="images", const=[500], help="Only try it."
    )
    found.add_argument("--sqlite", action="store_true", help="The embedded default instead.")
    found.add_argument("--json", action="store_true", help="The table for programs.")
    found.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    found.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    return found


if __name__ == "__main__":
    main()
