"""The demo's images and models. Models are trained by the command that participants have."""

from __future__ import annotations

import argparse
import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from leaderboard.demo import fashion
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
    made_of: str = ""
    """A team whose trained network this model is made of: `form` is one of `derived.FORMS`."""
    copy_of: str = ""
    """A team whose model is sent again: a tie, which organizers see as a copy."""
    gate: float = 0.85
    """Of a reference: the least quality that its competition ranks."""
    misses_a_class: bool = False
    """Was trained without the first class: a model that fails."""

    @property
    def idea(self) -> str:
        """What the model is, in a few words."""
        if self.copy_of:
            return f"the model of {self.copy_of}"
        if self.made_of:
            return f"the network of {self.made_of}, {self.form}"
        return f"{self.architecture} at {self.size} px, {self.form}"

    @property
    def file_name(self) -> str:
        """The name of the team's file, with the ending of its format."""
        form = formats.FORMATS[0].name if self.made_of else self.form
        ending = formats.of_form(form)[0].endings[0]
        return f"{self.team.lower().replace(' ', '-')}{ending}"

    @property
    def can_be_made(self) -> bool:
        """Whether this machine can export the model: int8 in TorchScript needs an x86 processor."""
        return self.form != "int8" or platform.machine() in ("x86_64", "AMD64")


DIGITS = (
    Recipe("Reference", "small_resnet", 32, 10, flip="none", unused=0.75, gate=0.89),
    Recipe("Team Feather", "tiny_cnn", 32, 7, seed=2, flip="none", unused=0.85),
    Recipe("Team Anvil", "wide_cnn", 32, 8, seed=3, flip="none", unused=0.3),
    Recipe("Team Thumbnail", "tiny_cnn", 16, 5, seed=4, flip="none", unused=0.92),
)
PHOTOGRAPHS = (
    Recipe("Reference", "small_resnet", 96, 75, gate=0.2),
    Recipe("Team Feather", "tiny_cnn", 96, 25, seed=2),
    Recipe("Team Anvil", "wide_cnn", 96, 35, seed=3),
    Recipe("Team Thumbnail", "small_resnet", 64, 35, seed=4),
)


FASHION = tuple(replace(one, flip="horizontal", gate=0.6) for one in DIGITS)


def chosen_for(data: Path | None) -> tuple[Recipe, ...]:
    """The first models for the images that `--data` names."""
    if data is None:
        return DIGITS
    return FASHION if data == fashion.NAME else PHOTOGRAPHS


def wider(first: Sequence[Recipe]) -> tuple[Recipe, ...]:
    """More ideas beside the first ones: formats, number types, a tie, and two that do not rank.

    Three models are made of Team Anvil's network, which saves their training.
    """
    size, flip, seconds = first[0].size, first[0].flip, first[0].seconds / 2
    wide, of = "wide_cnn", "Team Anvil"
    return tuple(
        one
        for one in (
            Recipe("Team Bonsai", wide, size, seconds / 2, 9, flip, "pruned", 0.85, made_of=of),
            Recipe("Team Half", wide, size, 0, 3, flip, "bfloat16", made_of=of),
            Recipe("Team Octet", wide, size, 0, 3, flip, "int8", made_of=of),
            Recipe("Team Graph", "small_resnet", size, seconds, 5, flip, "onnx", 0.9),
            Recipe("Team Byte", "small_resnet", size, seconds, 6, flip, "int8-onnx", 0.95),
            Recipe("Team Echo", "tiny_cnn", size, 0, copy_of="Team Feather"),
            Recipe("Team Sprint", "tiny_cnn", 16, 1, 7, flip, unused=0.985),
            Recipe("Team Oops", "tiny_cnn", size, 1, 8, flip, unused=0.97, misses_a_class=True),
        )
        if one.can_be_made
    )


def source_of(arguments: argparse.Namespace, folder: Path) -> Path:
    """The images. Raises `NoDatasetError`."""
    if arguments.data == fashion.NAME:
        return fashion.write(folder / "fashion.zip")
    if arguments.data:
        return Path(arguments.data)
    digits = folder / "digits.zip"
    training.write_digits(digits)
    return digits


def train(recipe: Recipe, sample: Path, folder: Path, console: Console) -> Path:
    """Make a model from the sample, by the command that participants have."""
    folder.mkdir(exist_ok=True)
    model = folder / recipe.file_name
    if recipe.copy_of:
        shutil.copy(folder / replace(recipe, team=recipe.copy_of).file_name, model)
    else:
        images = without_a_class(sample, folder) if recipe.misses_a_class else sample
        run_command(recipe, command(recipe, images, model), console)
    console.print(f"  {recipe.team}: {recipe.idea}, {model.stat().st_size / 1000:.0f} kB")
    # The demo's own models must pass the gate that uploads pass.
    formats.inspect(model)
    return model


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


def command(recipe: Recipe, sample: Path, model: Path) -> tuple[str, ...]:
    """The module that makes a model, and its arguments."""
    if recipe.made_of:
        source = model.parent / replace(recipe, team=recipe.made_of).file_name
        how = ("leaderboard.demo.derived", recipe.form, "--model", str(source))
    else:
        how = ("scoring", "train-reference", "--format", recipe.form)
    return (
        *how,
        *("--arch", recipe.architecture, "--data", str(sample), "--output", str(model)),
        *("--input-size", str(recipe.size), "--seconds", str(recipe.seconds)),
        *("--seed", str(recipe.seed), "--flip", recipe.flip, "--hold-out", str(recipe.unused)),
    )


def run_command(recipe: Recipe, arguments: Sequence[str], console: Console) -> None:
    """Train in a process of its own. Raises `SystemExit` with what it said if it fails."""
    what = f"{recipe.team}: {recipe.idea}"
    said: list[str] = []
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stderr
    with console.status(what) as status:
        for line in process.stderr:
            said.append(line)
            status.update(f"{what}: {line.strip()}")
    if process.wait():
        raise SystemExit(f"Training {recipe.team} failed:\n{''.join(said)[-2000:]}")
