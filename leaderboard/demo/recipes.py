"""The demo's images and models. Models are trained by the command that participants have."""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from leaderboard.demo.processes import ROOT
from scoring import formats, training


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


def source_of(arguments: argparse.Namespace, folder: Path) -> Path:
    if arguments.data:
        return Path(arguments.data)
    digits = folder / "digits.zip"
    training.write_digits(digits)
    return digits


def train(recipe: Recipe, sample: Path, folder: Path, console: Console) -> Path:
    """Train a model on the sample, by the command that participants have."""
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
    console.print(f"  {what}, {model.stat().st_size / 1000:.0f} kB")
    # The demo's own models must pass the gate that uploads pass.
    formats.inspect(model)
    return model
