"""`train-reference`: train a small classifier and export it."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from scoring import formats
from scoring.commands.exits import SCORED, WRONG_USAGE
from scoring.commands.options import (
    above_0,
    add_data,
    add_input,
    input_of,
    positive,
    share,
    writable,
)


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the options."""
    parser = commands.add_parser(
        "train-reference",
        help=f"train a small classifier and export it: {formats.titles()}",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.set_defaults(command=run)
    parser.add_argument(
        "--arch", default="small_resnet", help="tiny_cnn, wide_cnn, small_resnet or a timm name"
    )
    add_data(parser)
    parser.add_argument(
        "--output",
        "--out",
        type=writable,
        metavar="MODEL",
        help="default: the architecture's name, with the format's ending",
    )
    parser.add_argument("--seconds", type=above_0, default=60.0, help="of training")
    parser.add_argument(
        "--epochs", type=positive, help="instead of seconds; repeatable by the seed"
    )
    parser.add_argument("--hold-out", type=share, default=0.15, help="share of images to test on")
    parser.add_argument(
        "--flip", choices=("none", "horizontal", "both"), default="horizontal", help="mirror images"
    )
    parser.add_argument(
        "--format",
        choices=formats.forms(),
        default=formats.forms()[0],
        help="int8 is calibrated on the training images and needs the package onnx",
    )
    parser.add_argument("--export", choices=("script", "trace"), default="script")
    parser.add_argument(
        "--threads", type=positive, help="default: all cores or one, whichever is faster"
    )
    parser.add_argument("--json", action="store_true")
    add_input(parser)


def run(options: argparse.Namespace) -> int:
    """Train, export, and print how it went."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # spinning takes cores from others
    from scoring import training

    ending = formats.of_form(options.format)[0].endings[0]
    target = options.output or Path(options.arch + ending)
    try:
        done = training.train(
            options.arch,
            options.data,
            target,
            spec=input_of(options),
            seconds=options.seconds,
            epochs=options.epochs,
            hold_out=options.hold_out,
            seed=options.seed,
            threads=options.threads,
            flip=options.flip,
            export_as=options.export,
            form=options.format,
            tell=lambda line: print(line, file=sys.stderr),
        )
    except ValueError as error:
        print(error, file=sys.stderr)
        return WRONG_USAGE
    if options.json:
        print(json.dumps({"file": str(target), **asdict(done)}, indent=2))
        return SCORED
    f1 = "" if done.f1 is None else f", macro-F1 {done.f1:.4f} on images held out"
    print(
        f"{target}: {done.parameters:,} parameters, trained on "
        f"{done.images:,} images for {done.epochs:.1f} epochs in {done.seconds:.0f} s{f1}"
    )
    return SCORED
