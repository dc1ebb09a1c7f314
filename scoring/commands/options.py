"""Options that several subcommands share, and the types of their values."""

from __future__ import annotations

import argparse
import math
import os
from pathlib import Path
from typing import Any, get_args

from scoring.job import CropMode, Dtype, Formula, InputSpec, Interpolation, Limits
from scoring.quality import metrics


def add_data(parser: argparse.ArgumentParser) -> None:
    """The images."""
    parser.add_argument(
        "--data",
        type=path_of_images,
        required=True,
        metavar="IMAGES",
        help="folder or zip of class folders",
    )
    parser.add_argument("--seed", type=seed, default=0)


def add_reading(parser: argparse.ArgumentParser) -> None:
    """How names and labels of the images are read."""
    parser.add_argument(
        "--labels", help="the table with the labels, where there are several; `folders`: none"
    )
    parser.add_argument(
        "--encoding", help="of names that do not say theirs, like cp949, cp932, gbk"
    )


def add_weakness(parser: argparse.ArgumentParser) -> None:
    """Whether layers of the sandbox may be missing."""
    parser.add_argument(
        "--allow-weak-sandbox",
        action="store_true",
        help="for development: run models also where the kernel lacks a layer of the sandbox",
    )


def add_input(parser: argparse.ArgumentParser) -> None:
    """The input spec."""
    parser.add_argument(
        "--input-size",
        type=positive,
        nargs="+",
        action=Sides,
        default=[96],
        help="pixels: a side, or height and width",
    )
    parser.add_argument("--batch-size", type=positive, default=1)
    parser.add_argument("--dtype", choices=get_args(Dtype), default=InputSpec.dtype)
    parser.add_argument("--mean", type=float, nargs=3, default=InputSpec.mean, help="per channel")
    parser.add_argument("--std", type=above_0, nargs=3, default=InputSpec.std, help="per channel")
    parser.add_argument(
        "--interpolation", choices=get_args(Interpolation), default=InputSpec.interpolation
    )
    parser.add_argument("--crop-pct", type=above_0, default=InputSpec.crop_pct, help="as in timm")
    parser.add_argument("--crop-mode", choices=get_args(CropMode), default=InputSpec.crop_mode)


def add_machine(parser: argparse.ArgumentParser) -> None:
    """Device and threads."""
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where models run")
    parser.add_argument(
        "--threads", type=positive, default=1, help="of each model; leave a core free"
    )


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Limits of one model."""
    limits = Limits()
    parser.add_argument(
        "--load-seconds", type=above_0, default=limits.load_seconds, help="limit of loading"
    )
    parser.add_argument(
        "--call-seconds", type=above_0, default=limits.call_seconds, help="limit of one call"
    )
    parser.add_argument(
        "--first-call-seconds",
        type=above_0,
        default=limits.first_call_seconds,
        help="limit of the first call of a process",
    )
    parser.add_argument(
        "--total-seconds", type=above_0, default=limits.total_seconds, help="limit of all calls"
    )
    parser.add_argument(
        "--memory-mib", type=positive, default=limits.memory_bytes >> 20, help="limit of memory"
    )
    parser.add_argument("--memory-bytes", type=positive, help="the same, to the byte")
    parser.add_argument(
        "--output-bytes", type=positive, default=limits.output_bytes, help="limit of one answer"
    )


def add_formula(parser: argparse.ArgumentParser) -> None:
    """The formula's weights."""
    parser.add_argument("--k", type=weight, default=20.0, help="steepness of the quality term")
    parser.add_argument("--time-weight", type=weight, default=0.5)


def add_metric(parser: argparse.ArgumentParser) -> None:
    """What counts as quality."""
    parser.add_argument(
        "--metric",
        choices=sorted(metrics.METRICS),
        default=Formula.metric,
        help="what quality means",
    )


def add_quality(parser: argparse.ArgumentParser) -> None:
    """What counts as quality, and the gate."""
    add_metric(parser)
    parser.add_argument(
        "--quality-ref",
        "--f1-ref",
        type=share,
        help="default: the reference's quality on the public split",
    )
    parser.add_argument(
        "--min-quality",
        "--min-f1",
        type=share,
        default=0.0,
        help="the gate: least quality that may be ranked",
    )


def input_of(options: argparse.Namespace) -> InputSpec:
    """The input spec of the options."""
    height, width = options.input_size[0], options.input_size[-1]
    return InputSpec(
        height,
        width,
        batch_size=options.batch_size,
        dtype=options.dtype,
        mean=tuple(options.mean),
        std=tuple(options.std),
        interpolation=options.interpolation,
        crop_pct=options.crop_pct,
        crop_mode=options.crop_mode,
    )


def limits_of(options: argparse.Namespace) -> Limits:
    """The limits of the options."""
    return Limits(
        load_seconds=options.load_seconds,
        first_call_seconds=options.first_call_seconds,
        call_seconds=options.call_seconds,
        total_seconds=options.total_seconds,
        memory_bytes=options.memory_bytes or options.memory_mib << 20,
        output_bytes=options.output_bytes,
    )


class Sides(argparse.Action):
    """One side or two: argparse has no `nargs` for that."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option: Any = None) -> None:
        if len(values) > 2:
            parser.error(f"argument {option}: one side, or height and width")
        setattr(namespace, self.dest, values)


def file(text: str) -> Path:
    """A file that is there."""
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text}")
    return Path(text)


def path_of_images(text: str) -> Path:
    """A folder or file that is there."""
    if not Path(text).exists():
        raise argparse.ArgumentTypeError(f"there is no folder or file {text}")
    return Path(text)


def folder(text: str) -> Path:
    """A folder that is there or can be made."""
    if any(part.is_file() for part in (Path(text), *Path(text).parents)):
        raise argparse.ArgumentTypeError(f"{text} is no folder")
    return Path(text)


def writable(text: str) -> Path:
    """A file that can be written."""
    parent = Path(text).absolute().parent
    if Path(text).is_dir() or not (parent.is_dir() and os.access(parent, os.W_OK)):
        raise argparse.ArgumentTypeError(f"{text} cannot be written")
    return Path(text)


def seed(text: str) -> int:
    """A number from 0 to 2^63 - 1."""
    if not 0 <= int(text) < 1 << 63:
        raise argparse.ArgumentTypeError("must be at least 0, below 2 to the 63")
    return int(text)


def weight(text: str) -> float:
    """A finite number, at least 0."""
    if not (math.isfinite(float(text)) and float(text) >= 0):
        raise argparse.ArgumentTypeError("must be at least 0 and finite")
    return float(text)


def some(text: str) -> float:
    """A share above 0, at most 1."""
    if not 0 < float(text) <= 1:
        raise argparse.ArgumentTypeError("must be above 0, at most 1")
    return float(text)


def positive(text: str) -> int:
    """A whole number, at least 1."""
    if int(text) < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return int(text)


def above_0(text: str) -> float:
    """A finite number above 0."""
    if not (math.isfinite(float(text)) and float(text) > 0):
        raise argparse.ArgumentTypeError("must be above 0")
    return float(text)


def share(text: str) -> float:
    """A share from 0 to 1."""
    if not 0 <= float(text) <= 1:
        raise argparse.ArgumentTypeError("must be between 0 and 1")
    return float(text)
