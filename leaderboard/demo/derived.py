"""Another model of a trained network: pruned, in bfloat16 or in int8, by the starter kit's recipes.

The demo trains one network for several teams. This command makes their files of it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from leaderboard.kit.files import recipes
from scoring import training
from scoring.images import sets
from scoring.job import InputSpec
from scoring.training import fitting, networks

CALIBRATION_IMAGES = 200
KEPT_SHARE = 0.5
"""The share of the channels that pruning leaves."""
FORMS: dict[str, Callable[[nn.Module, Tensor, Path], None]] = {
    "pruned": recipes.torchscript,
    "bfloat16": recipes.torchscript_bfloat16,
    "int8": recipes.torchscript_int8,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file of one team."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # spinning takes cores from others
    options = parser().parse_args(arguments)
    torch.manual_seed(options.seed)
    spec = InputSpec(height=options.input_size, width=options.input_size)
    found = sets.catalogue(options.data, verify=True)
    parts = training.divided(found, options.hold_out, options.seed)
    pixels, labels = training.decoded(options.data, parts, found.classes, spec)["train"]
    network = restored(options.arch, options.model, len(found.classes))
    if options.form == "pruned":
        assert isinstance(network, nn.Sequential)
        network = recipes.narrowed(network, KEPT_SHARE)
        clock = fitting.Clock(options.seconds, None)
        fitting.fit(network, pixels, labels, spec, clock, options.seed, options.flip, print)
    images = fitting.normal(pixels[:CALIBRATION_IMAGES], spec)
    FORMS[options.form](network.eval(), images, options.output)
    return 0


def restored(arch: str, model: Path, classes: int) -> nn.Module:
    """The network of a file that `train-reference` wrote, with its weights."""
    network = networks.built(arch, classes)
    network.load_state_dict(torch.jit.load(model).state_dict())  # type: ignore[no-untyped-call]
    return network.eval()


def parser() -> argparse.ArgumentParser:
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("form", choices=FORMS)
    command.add_argument("--arch", required=True, help="of the trained network")
    command.add_argument("--model", type=Path, required=True, help="the trained network's file")
    command.add_argument("--data", type=Path, required=True)
    command.add_argument("--output", type=Path, required=True)
    command.add_argument("--input-size", type=int, required=True)
    command.add_argument(
        "--seconds", type=float, required=True, help="of training after the pruning"
    )
    command.add_argument("--seed", type=int, required=True)
    command.add_argument("--flip", choices=("none", "horizontal", "both"), required=True)
    command.add_argument("--hold-out", type=float, required=True)
    return command


if __name__ == "__main__":
    sys.exit(main())
