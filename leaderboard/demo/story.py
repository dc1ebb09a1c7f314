"""From an empty database to both boards, through the doors that users use."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import httpx
from django.core.files import File
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from leaderboard.models import Competition, Dataset, Evaluation, HardwareProfile, User
from leaderboard.models.evaluation import Figures
from leaderboard.services import competitions, datasets, divisions, files, references, tokens
from scoring import formats

if TYPE_CHECKING:
    from leaderboard.demo.__main__ import Processes

PASSWORD = "a-light-model"  # noqa: S105  the demo's logins are printed anyway
SLUG = "demo"
TITLES = {
    "demo": "Light enough for a sorting robot",
    "practice": "Practice: the same images, still open",
}
ROOT = Path(__file__).resolve().parents[2]
HOURS = 3600


@dataclass(frozen=True)
class Recipe:
    """How one model of the demo is trained."""

    team: str
    architecture: str
    size: int
    seconds: float
    seed: int = 1
    flip: str = "horizontal"


DIGITS = (
    Recipe("Reference", "small_resnet", 32, 20, flip="none"),
    Recipe("Team Feather", "tiny_cnn", 32, 14, seed=2, flip="none"),
    Recipe("Team Anvil", "wide_cnn", 32, 16, seed=3, flip="none"),
    Recipe("Team Thumbnail", "tiny_cnn", 16, 10, seed=4, flip="none"),
)
PHOTOGRAPHS = (
    Recipe("Reference", "small_resnet", 96, 75),
    Recipe("Team Feather", "tiny_cnn", 96, 25, seed=2),
    Recipe("Team Anvil", "wide_cnn", 96, 35, seed=3),
    Recipe("Team Thumbnail", "small_resnet", 64, 35, seed=4),
)


def tell(
    arguments: argparse.Namespace, folder: Path, console: Console, processes: Processes
) -> bool:
    """Returns whether everything came out as it must."""
    recipes = PHOTOGRAPHS if arguments.data else DIGITS
    site = f"http://127.0.0.1:{arguments.port}"

    console.rule("Images")
    organizer = User.objects.create_superuser("organizer", password=PASSWORD)
    dataset = imported(source_of(arguments, folder), organizer)
    for split in dataset.splits.all():
        console.print(f"  {split.name:8} {split.images:6} images of {len(dataset.classes)} classes")

    console.rule("Training")
    sample = files.local_path(dataset.split("sample").archive)
    models = {one.team: train(one, sample, folder / "models", console) for one in recipes}

    console.rule("Calibration")
    competition = drafted(SLUG, dataset, profile(), recipes[0])
    start_workers(processes, full=arguments.full)
    calibration = opened(competition, models["Reference"], organizer, console, processes)
    console.print(
        f"  reference against itself: time ratio {calibration.time_ratio:.3f} "
        f"± {calibration.half_width:.3f}, {1000 * calibration.reference_seconds:.2f} ms an image"
    )

    console.rule("Uploads")
    wait_for_site(site, processes)
    entrants = [Entrant(site, one.team, models[one.team]) for one in recipes[1:]]
    for number, entrant in enumerate(entrants):
        entrant.sign_up()
        if number == 1:
            entrant.upload_by_form()
        else:
            entrant.upload_by_api()
        console.print(f"  {entrant.team}: submission {entrant.submission} by {entrant.door}")
    states = {one.team: one.wait(processes) for one in entrants}
    hidden = all(one.private_board_is_hidden() for one in entrants)
    console.print(f"  {', '.join(f'{team}: {state}' for team, state in states.items())}")
    console.print(f"  private board before publication: {'hidden' if hidden else 'VISIBLE'}")

    console.rule("Boards")
    public = board(site, "public")
    competitions.close(competition=competition, by=organizer)
    competitions.publish(competition=competition, by=organizer)
    private = board(site, "private")
    console.print(table("Public board", public), table("Private board", private))
    console.print(
        "  Lower scores are better. This hardware profile has a wide noise target, so that a busy "
        "machine still ends: close times are not told apart here."
    )
    console.print(
        f"  Reference macro-F1: public {calibration.quality_public:.4f}, "
        f"private {calibration.quality_private:.4f}"
    )
    show_weakness(console)
    show_doors(console, site, entrants, models)
    if not arguments.check:
        practice = drafted("practice", dataset, competition.profile, recipes[0])
        opened(practice, models["Reference"], organizer, console, processes)
        console.print(f"  a competition to try uploads in: {site}/competitions/practice/")
    teams = {one.team for one in entrants}
    complete = all({row["team"] for row in rows} == teams for rows in (public, private))
    return set(states.values()) == {"scored"} and complete and hidden


# Organizers


def source_of(arguments: argparse.Namespace, folder: Path) -> Path:
    if arguments.data:
        return Path(arguments.data)
    from scoring import training

    digits = folder / "digits.zip"
    training.write_digits(digits)
    return digits


def imported(source: Path, organizer: User) -> Dataset:
    return datasets.import_(
        name=source.stem,
        source=source,
        wishes=divisions.Wishes(seed=20211129, skip_broken=True, drop_conflicts=True),
        by=organizer,
    )


def profile() -> HardwareProfile:
    """A patient one: whatever the noise, it publishes, and says so."""
    return HardwareProfile.objects.create(
        slug="demo",
        name="This machine",
        description="One core of the machine the demo runs on, shared with all else it does.",
        min_quads=8,
        min_segments=2,
        target_half_width=0.05,
        max_half_width=0,
        max_seconds=10,
        # Workers check themselves here, too, and are never found wanting.
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
        overview="Classify the images **well and quickly**. A robot has no time to wait.",
        rules="- One team a person, twenty uploads a day.\n- Any TorchScript model.",
        data_description="The sample is yours to train on; the rest is hidden.",
        profile=profile,
        dataset=dataset,
        submissions_per_day=20,
        # The story publishes at once and would not wait; whoever practises may watch it happen.
        remeasured_ranks=0 if slug == SLUG else 3,
        min_quality=0.2,
        input_height=reference.size,
        input_width=reference.size,
        total_seconds=600,
    )


def opened(
    competition: Competition,
    model: Path,
    organizer: User,
    console: Console,
    processes: Processes,
) -> Figures:
    """Upload the reference, calibrate it on the worker and open.

    Raises `SystemExit` with the reason when the calibration does not end well.
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


def train(recipe: Recipe, sample: Path, folder: Path, console: Console) -> Path:
    """Train by the command that participants have, on the split that they have."""
    folder.mkdir(exist_ok=True)
    model = folder / f"{recipe.team.lower().replace(' ', '-')}.pt"
    what = f"{recipe.team}: {recipe.architecture} at {recipe.size} px"
    command = [
        *(sys.executable, "-m", "scoring", "train-reference"),
        *("--arch", recipe.architecture, "--data", str(sample), "--output", str(model)),
        *("--input-size", str(recipe.size), "--seconds", str(recipe.seconds)),
        *("--seed", str(recipe.seed), "--flip", recipe.flip, "--hold-out", "0"),
    ]
    said: list[str] = []
    training = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert training.stderr
    with console.status(what) as status:
        for line in training.stderr:
            said.append(line)
            status.update(f"{what}: {line.strip()}")
    if training.wait():
        raise SystemExit(f"Training {recipe.team} failed:\n{''.join(said)[-2000:]}")
    console.print(f"  {what}, {model.stat().st_size / 1000:.0f} kB")
    # A model of our own making must pass the gate that uploads pass.
    formats.inspect(model)
    return model


def start_workers(processes: Processes, *, full: bool) -> None:
    if full:
        worker = ("-m", "celery", "-A", "leaderboard", "worker", "-c", "1")
        processes.start(
            "worker", *worker, "--prefetch-multiplier", "1", "-Q", "demo", "-n", "demo@%h"
        )
        schedule = str(processes.logs / "beat")
        processes.start("beat", *worker, "-B", "-s", schedule, "-Q", "site", "-n", "site@%h")
    else:
        processes.start("worker", "manage.py", "work", "--profile", "demo", "--poll", "0.2")


# Participants


class Entrant:
    """One person with a team of one, a browser and a token."""

    def __init__(self, site: str, team: str, model: Path) -> None:
        self.site = site
        self.team = team
        self.model = model
        self.user = team.lower().replace(" ", "-")
        self.browser = httpx.Client(base_url=site, follow_redirects=True, timeout=120)
        self.submission = 0
        self.door = ""

    def sign_up(self) -> None:
        """Through the web form, as a new participant does; the team is made by API."""
        fields = {
            "username": self.user,
            "email": f"{self.user}@example.org",
            "password1": PASSWORD,
            "password2": PASSWORD,
        }
        self.submit_form("/accounts/signup/", fields)
        _, secret = tokens.issue(user=User.objects.get(username=self.user), name="demo")
        self.api = httpx.Client(
            base_url=f"{self.site}/api/v2/",
            headers={"Authorization": f"Token {secret}"},
            timeout=120,
        )
        answer = self.api.post(f"competitions/{SLUG}/teams", json={"name": self.team})
        answer.raise_for_status()

    def upload_by_api(self) -> None:
        with self.model.open("rb") as file:
            answer = self.api.post(
                f"competitions/{SLUG}/submissions",
                files={"file": (self.model.name, file)},
                headers={"Idempotency-Key": self.user},
            )
        answer.raise_for_status()
        self.submission = answer.json()["id"]
        self.door = "API"

    def upload_by_form(self) -> None:
        with self.model.open("rb") as file:
            page = self.submit_form(
                f"/competitions/{SLUG}/submit/",
                {"note": "by hand"},
                files={"file": (self.model.name, file)},
            )
        found = re.search(r"/submissions/(\d+)/", str(page.url))
        if not found:
            raise SystemExit(f"The upload form did not lead to a submission but to {page.url}.")
        self.submission = int(found[1])
        self.door = "web form"

    def wait(self, processes: Processes) -> str:
        """The state in which the submission ends."""
        for _ in range(60):
            processes.check()
            answer = self.api.get(f"submissions/{self.submission}", params={"wait": 30})
            state = answer.raise_for_status().json()["state"]
            if state not in ("queued", "running"):
                break
        return str(state)

    def private_board_is_hidden(self) -> bool:
        """Whether every door to the private board answers 404 to this participant, and its page
        says only that it is not published."""
        page = self.browser.get(f"/competitions/{SLUG}/boards/private/").text
        return (
            "not published yet" in page
            and "<table" not in page
            and all(
                answer.status_code == 404
                for answer in (
                    self.api.get(f"competitions/{SLUG}/boards/private"),
                    self.api.get(f"competitions/{SLUG}/boards/private.csv"),
                    self.browser.get(f"/competitions/{SLUG}/boards/private/chart.json"),
                )
            )
        )

    def submit_form(
        self, url: str, data: dict[str, str], files: dict[str, tuple[str, IO[bytes]]] | None = None
    ) -> httpx.Response:
        page = self.browser.get(url)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        if not token:
            raise SystemExit(f"There is no form at {url} ({page.status_code}).")
        fields = data | {"csrfmiddlewaretoken": token[1]}
        headers = {"Referer": str(page.url)}
        answer = self.browser.post(url, data=fields, headers=headers, files=files)
        return answer.raise_for_status()


def wait_for_site(site: str, processes: Processes) -> None:
    for _ in range(120):
        processes.check()
        try:
            httpx.get(f"{site}/healthz").raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.25)
    raise SystemExit("The web server did not answer; see logs/web.log in the demo's folder.")


# Showing


def board(site: str, name: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{site}/api/v2/competitions/{SLUG}/boards/{name}").raise_for_status()
    rows: list[dict[str, Any]] = answer.json()["results"]
    return rows


def table(title: str, rows: list[dict[str, Any]]) -> Table:
    shown = Table(title=title)
    for heading in ("rank", "team", "score", "F1", "time ratio", ""):
        shown.add_column(heading, justify="left" if heading == "team" else "right")
    for row in rows:
        shown.add_row(
            str(row["rank"] or "-"),
            row["team"],
            f"{float(row['score']):.4f} ± {row['score_half_width']:.4f}",
            f"{row['quality']:.4f}",
            f"{row['time_ratio']:.3f} ± {row['half_width'] or 0:.3f}",
            "tied" if row["tied"] else "",
        )
    return shown


def show_weakness(console: Console) -> None:
    """Say aloud when models ran in less than the whole sandbox."""
    weak = Evaluation.objects.filter(isolation__is_weak=True).first()
    if weak is None or weak.isolation is None:
        return
    missing = "\n".join(f"  missing: {one}" for one in weak.isolation["missing"])
    console.print(
        Panel(
            "This machine does not shut models in as it must outside of a demo:\n"
            f"{missing}\n"
            "The models here are the demo's own. Upload none of anybody else's; a worker without "
            "ALLOW_WEAK_SANDBOX would run nothing here.",
            title="WEAK SANDBOX",
            style="bold red",
        )
    )


def show_doors(
    console: Console, site: str, entrants: list[Entrant], models: dict[str, Path]
) -> None:
    console.rule("Doors")
    doors: Iterator[tuple[str, str]] = iter(
        (
            ("boards", f"{site}/competitions/{SLUG}/boards/public/"),
            ("API", f"{site}/api/docs"),
            ("admin", f"{site}/admin/  login organizer / {PASSWORD}"),
            ("participants", f"{', '.join(one.user for one in entrants)} / {PASSWORD}"),
            ("models", str(next(iter(models.values())).parent)),
        )
    )
    for name, door in doors:
        console.print(f"  {name:12} {door}")
