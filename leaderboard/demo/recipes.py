"""The demo's images and models. Models are trained by the command that participants have."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from leaderboard.demo.processes import ROOT
from scoring import formats, training


@dataclass(frozen=True)
class Recipe:
    """How one model of the demo is made."""

    team: str
    architecture: str
    size: int
    seconds: float
    seed: int = 1
    flip: str = "horizontal"
    form: str = formats.FORMATS[0].name
    unused: float = 0.0
    """Share of the sample that the training does not see: a cheap way to a worse model."""
    copy_of: str = ""
    """A team whose model is sent again: a tie, which organizers see as a copy."""
    misses_a_class: bool = False
    """Was trained without the first class: a model that fails."""

    @property
    def idea(self) -> str:
        """What the model is, in a few words."""
        if self.copy_of:
            return f"the model of {self.copy_of}"
        return f"{self.architecture} at {self.size} px, {self.form}"


DIGITS = (
    Recipe("Reference", "small_resnet", 32, 14, flip="none", unused=0.5),
    Recipe("Team Feather", "tiny_cnn", 32, 9, seed=2, flip="none", unused=0.4),
    Recipe("Team Anvil", "wide_cnn", 32, 9, seed=3, flip="none"),
    Recipe("Team Thumbnail", "tiny_cnn", 16, 6, seed=4, flip="none", unused=0.6),
)
PHOTOGRAPHS = (
    Recipe("Reference", "small_resnet", 96, 75),
    Recipe("Team Feather", "tiny_cnn", 96, 25, seed=2),
    Recipe("Team Anvil", "wide_cnn", 96, 35, seed=3),
    Recipe("Team Thumbnail", "small_resnet", 64, 35, seed=4),
)


def wider(first: Sequence[Recipe]) -> tuple[Recipe, ...]:
    """More ideas beside the first ones: formats, number types, a tie, and two that do not rank."""
    size, flip, seconds = first[0].size, first[0].flip, first[0].seconds / 2
    return (
        Recipe("Team Graph", "small_resnet", size, seconds, 5, flip, "onnx", 0.2),
        Recipe("Team Byte", "small_resnet", size, seconds, 6, flip, "int8-onnx", 0.3),
        Recipe("Team Echo", "tiny_cnn", size, 0, copy_of="Team Feather"),
        Recipe("Team Sprint", "tiny_cnn", 16, 1, 7, flip, unused=0.985),
        Recipe("Team Oops", "tiny_cnn", size, 1, 8, flip, unused=0.97, misses_a_class=True),
    )


def source_of(arguments: argparse.Namespace, folder: Path) -> Path:
    if arguments.data:
        return Path(arguments.data)
    digits = folder / "digits.zip"
    training.write_digits(digits)
    return digits


def train(recipe: Recipe, sample: Path, folder: Path, console: Console) -> Path:
    """Make a model from the sample, by the command that participants have."""
    folder.mkdir(exist_ok=True)
    model = folder / file_name(recipe.team, recipe.form)
    if recipe.copy_of:
        shutil.copy(folder / file_name(recipe.copy_of, recipe.form), model)
    else:
        images = without_a_class(sample, folder) if recipe.misses_a_class else sample
        run_command(recipe, images, model, console)
    console.print(f"  {recipe.team}: {recipe.idea}, {model.stat().st_size / 1000:.0f} kB")
    # The demo's own models must pass the gate that uploads pass.
    formats.inspect(model)
    return model


def file_name(team: str, form: str) -> str:
    """The name of a team's file, with the ending of its format."""
    format_, _ = formats.of_form(form)
    return f"{team.lower().replace(' ', '-')}{format_.endings[0]}"


def without_a_class(sample: Path, folder: Path) -> Path:
    """A copy of the sample, an archive of class folders, without the first class."""
    target = folder / "incomplete.zip"
    with zipfile.ZipFile(sample) as whole, zipfile.ZipFile(target, "w") as part:
        images = [name for name in whole.namelist() if not name.endswith("/")]
        first = min(Path(name).parent for name in images)
        for name in images:
            if Path(name).parent != first:
                part.writestr(name, whole.read(name))
    return target


def run_command(recipe: Recipe, sample: Path, model: Path, console: Console) -> None:
    """Train in a process of its own. Raises `SystemExit` with what it said if it fails."""
    what = f"{recipe.team}: {recipe.idea}"
    command = [
        *(sys.executable, "-m", "scoring", "train-reference"),
        *("--arch", recipe.architecture, "--data", str(sample), "--output", str(model)),
        *("--input-size", str(recipe.size), "--seconds", str(recipe.seconds)),
        *("--seed", str(recipe.seed), "--flip", recipe.flip),
        *("--hold-out", str(recipe.unused), "--format", recipe.form),
    ]
    said: list[str] = []
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stderr
    with console.status(what) as status:
        for line in process.stderr:
            said.append(line)
            status.update(f"{what}: {line.strip()}")
    if process.wait():
        raise SystemExit(f"Training {recipe.team} failed:\n{''.join(said)[-2000:]}")
