"""The demo's organizer: images, hardware profile, competitions, calibration."""

from __future__ import annotations

import time
from pathlib import Path

from django.core.files import File
from rich.console import Console

from leaderboard.demo.entrants import SLUG
from leaderboard.demo.processes import DemoProcesses
from leaderboard.demo.recipes import Recipe
from leaderboard.models import Competition, Dataset, Evaluation, HardwareProfile, User
from leaderboard.models.result import Figures
from leaderboard.services import competitions, datasets, divisions, references
from scoring import formats

TITLES = {
    "demo": "Light enough for a sorting robot",
    "practice": "Practice: the same images, still open",
}


def imported(source: Path, organizer: User) -> Dataset:
    return datasets.import_(
        name=source.stem,
        source=source,
        wishes=divisions.Wishes(seed=20211129, skip_broken=True, drop_conflicts=True),
        by=organizer,
    )


def profile() -> HardwareProfile:
    """A profile that publishes every measured time, even a noisy one."""
    return HardwareProfile.objects.create(
        slug="demo",
        name="This machine",
        description="One core of the machine that runs the demo. Other programs share the core.",
        min_quads=8,
        min_segments=2,
        target_half_width=0.05,
        max_half_width=0,
        max_seconds=10,
        # Workers check themselves. This band is so wide that they always pass.
        canary_band=0.5,
        max_foreign_load=None,
    )


def drafted(
    slug: str, dataset: Dataset, profile: HardwareProfile, reference: Recipe
) -> Competition:
    return Competition.objects.create(
        slug=slug,
        title=TITLES[slug],
        tagline="The best macro-F1 in the least time.",
        overview="Classify the images **well and quickly**. A robot needs each answer at once.",
        rules="- Each person may be in one team.\n- Each team has twenty uploads a day.\n"
        f"- Formats of models: {formats.titles()}.",
        data_description="You may train on the sample. The other images are hidden.",
        profile=profile,
        dataset=dataset,
        submissions_per_day=20,
        # The practice measures the best models again. The demo publishes at once, without that.
        remeasured_ranks=0 if slug == SLUG else 3,
        min_quality=0.85 if reference.flip == "none" else 0.2,  # digits are easy
        input_height=reference.size,
        input_width=reference.size,
        total_seconds=600,
    )


def opened(
    competition: Competition,
    model: Path,
    organizer: User,
    console: Console,
    processes: DemoProcesses,
) -> Figures:
    """Upload the reference, calibrate it on the worker and open the competition.

    Raises `SystemExit` with the reason if the calibration does not end well.
    """
    with model.open("rb") as file:
        references.set_reference(
            competition=competition,
            upload=File(file, name="reference.pt"),
            name="Reference",
            by=organizer,
        )
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
