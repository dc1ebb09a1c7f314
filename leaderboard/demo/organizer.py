"""The demo's organizer: images, hardware profile, competitions, calibration."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from leaderboard.demo.entrants import SLUG
from leaderboard.demo.processes import DemoProcesses
from leaderboard.demo.recipes import Recipe
from leaderboard.models import Competition, Evaluation, User
from leaderboard.models.result import Figures
from leaderboard.services import competitions, references
from leaderboard.services.contest_files import importing, reading

CONTEST = Path(__file__).parent / "contest.yaml"
PRACTICE = "practice"


def drafted(
    folder: Path,
    source: Path,
    reference: Recipe,
    by: User,
    *,
    slug: str = SLUG,
    model: Path | None = None,
) -> Competition:
    """Import the demo's contest file: a draft with images, and with the reference if there is
    one."""
    path = folder / f"{slug}.yaml"
    path.write_text(yaml.safe_dump(content(source, reference, slug, model), sort_keys=False))
    importing.import_(reading.read(path), by=by)
    return Competition.objects.get(slug=slug)


def content(source: Path, reference: Recipe, slug: str, model: Path | None) -> dict[str, Any]:
    """The demo's contest file for these images."""
    made: dict[str, Any] = yaml.safe_load(CONTEST.read_text())
    made["dataset"] |= {"source": str(source.resolve()), "name": source.stem}
    made["reference"] = made["reference"] | {"file": str(model.resolve())} if model else None
    made["input"] = dict.fromkeys(made["input"], reference.size)
    made["formula"]["min_quality"] = reference.gate
    if slug == PRACTICE:
        made |= {"slug": slug, "title": "Practice: the same images, still open"}
        del made["rules_of_the_board"]
    return made


def opened(
    competition: Competition,
    organizer: User,
    console: Console,
    processes: DemoProcesses,
) -> Figures:
    """Calibrate the reference on the worker and open the competition.

    Raises `SystemExit` with the reason if the calibration does not end well.
    """
    evaluation = references.calibrate(competition=competition, by=organizer)
    with console.status("waiting for the worker") as status:
        while not evaluation.is_finished:
            processes.check()
            time.sleep(0.3)
            evaluation.refresh_from_db()
            status.update(f"{evaluation.state}: {evaluation.stage} {evaluation.percent:.0f} %")
    if evaluation.state != Evaluation.State.SCORED:
        raise SystemExit(f"Calibration: {evaluation.error_code}: {evaluation.error_message}")
    competition.refresh_from_db()
    competitions.open_(competition=competition, by=organizer)
    return evaluation.figures()


def start_workers(processes: DemoProcesses, *, full: bool) -> None:
    if full:
        worker = ("-m", "celery", "-A", "leaderboard", "worker", "-c", "1")
        processes.start(
            "worker", *worker, "--prefetch-multiplier", "1", "-Q", "demo", "-n", "demo@%h"
        )
        schedule = str(processes.logs / "beat")
        processes.start("beat", *worker, "-B", "-s", schedule, "-Q", "site,post", "-n", "site@%h")
    else:
        processes.start("worker", "manage.py", "work", "--profile", "demo", "--poll", "0.2")
