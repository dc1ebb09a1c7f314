"""The engine from the command line: `python -m scoring COMMAND`; without one it lists them."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from scoring import evaluate, formula
from scoring.errors import BadDataset, Coded, EngineError
from scoring.formats import checking
from scoring.job import (
    CropMode,
    Dtype,
    Formula,
    InputBounds,
    InputSpec,
    Interpolation,
    Job,
    Limits,
    Plan,
    Progress,
    Report,
    Split,
    SplitQuality,
)
from scoring.quality import metrics

if TYPE_CHECKING:
    from scoring.images import sets
    from scoring.trial import Trial

SCORED, FAILED, WRONG_USAGE, CANNOT = 0, 1, 2, 3
ANY_SIZE = InputBounds(min_size=1, max_size=1 << 14, min_crop_pct=0.01)
"""The bounds of a competition are the site's business: `featherweight check` knows them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0: scored or done; 1: failed with a code; 2: wrong usage; 3: not here."""
    options = parser().parse_args(arguments)
    try:
        code: int = options.command(options)
    except ModuleNotFoundError as error:
        print(f"{error.name} is not installed here: pip install '.[worker]'", file=sys.stderr)
        return CANNOT
    except Coded as error:
        if getattr(options, "json", False):
            failure = {"code": error.code, "message": error.message}
            print(json.dumps({"status": "failed", "failure": failure}, indent=2))
        else:
            print(f"failed: {error.code}\n{error.message}", file=sys.stderr)
        return CANNOT if isinstance(error, EngineError) else FAILED
    except KeyboardInterrupt:
        return 130
    return code


def evaluate_command(options: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="featherweight-") as place:
        job = job_of(options, Path(place))
        with progress_line() as tell:
            report = evaluate(job, tell)
    print(json.dumps(report.to_json(), indent=2) if options.json else table(report, job))
    return SCORED if report.status == "scored" else FAILED


def try_command(options: argparse.Namespace) -> int:
    if sys.platform != "linux":
        raise EngineError(
            "sandbox_unavailable",
            "Models run in a sandbox of Linux. Try yours in the image of the Dockerfile, or on "
            "another machine.",
        )
    from scoring import trial

    with tempfile.TemporaryDirectory(prefix="featherweight-") as place:
        found = trial.run(trial_of(options, Path(place)))
    print(json.dumps(found.to_json(), indent=2) if options.json else trial_table(found))
    return SCORED if found.status == "passed" else FAILED


def check_command(options: argparse.Namespace) -> int:
    checked = checking.check(options.model)
    print(json.dumps(checked.to_json(), indent=2) if options.json else checking.table(checked))
    return SCORED


def selftest_command(options: argparse.Namespace) -> int:
    from scoring.sandbox import selftest

    plan = Plan(device=options.device)
    found = selftest.breaches(plan, may_be_weak=options.allow_weak_sandbox)
    if options.json:
        print(json.dumps({"status": "failed" if found else "held", "breaches": found}, indent=2))
    else:
        print("\n".join(found) or "The sandbox held.")
    return FAILED if found else SCORED


def score_command(options: argparse.Namespace) -> int:
    ratio = options.seconds / options.reference_seconds
    weights = {
        "quality_ref": options.quality_ref,
        "k": options.k,
        "time_weight": options.time_weight,
    }
    print(f"{formula.score(options.quality, ratio, **weights).total:.4f}")
    return SCORED


def train_command(options: argparse.Namespace) -> int:
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # spinning starves whoever shares the cores
    from scoring import training

    try:
        done = training.train(
            options.arch,
            options.data,
            options.output or Path(f"{options.arch}.pt"),
            spec=input_of(options),
            seconds=options.seconds,
            epochs=options.epochs,
            hold_out=options.hold_out,
            seed=options.seed,
            threads=options.threads,
            flip=options.flip,
            export_as=options.export,
            tell=lambda line: print(line, file=sys.stderr),
        )
    except ValueError as error:
        print(error, file=sys.stderr)
        return WRONG_USAGE
    f1 = "" if done.f1 is None else f", macro-F1 {done.f1:.4f} on images held out"
    print(
        f"{options.output or options.arch + '.pt'}: {done.parameters:,} parameters, trained on "
        f"{done.images:,} images for {done.epochs:.1f} epochs in {done.seconds:.0f} s{f1}"
    )
    return SCORED


def job_of(options: argparse.Namespace, place: Path) -> Job:
    """The job that the options ask for; splits are packed at `place`. Raises `BadDataset`."""
    from scoring.images import sets

    found = sets.catalogue(options.data, encoding=options.encoding, table=options.labels)
    for problem in found.problems:
        print(f"{sets.shown(problem.name)}: {problem.message}", file=sys.stderr)
    if (
        any(problem.code in ("broken_image", "unclear_depth") for problem in found.problems)
        and not options.skip_broken
    ):
        raise BadDataset(
            "broken_images", "Some images cannot be decoded; --skip-broken leaves them out."
        )
    splits = tuple(
        Split(name, packed(options, images, place / f"{name}.zip", found.encoding))
        for name, images in splits_of(options, found).items()
    )
    return Job(
        reference=options.reference,
        submission=options.model,
        splits=splits,
        sample=splits[0].images,  # who runs this has all the images, and may hear the model out
        may_be_weak=options.allow_weak_sandbox,
        classes=found.classes,
        input=input_of(options),
        formula=Formula(
            options.quality_ref, options.k, options.time_weight, options.min_quality, options.metric
        ),
        plan=Plan(
            device=options.device,
            threads=options.threads,
            max_seconds=options.max_seconds,
            max_half_width=0.0,  # a person at a terminal judges the interval
        ),
        limits=limits_of(options),
        seed=options.seed,
        cache=options.cache,
    )


def trial_of(options: argparse.Namespace, place: Path) -> Job:
    """The job of a try: the sample is the source, or that part of it. Raises `BadDataset`."""
    from scoring.images import sets

    found = sets.catalogue(
        options.data, verify=False, encoding=options.encoding, table=options.labels
    )
    sample = options.data
    if any(image.split for image in found.images) or options.encoding or options.labels:
        images = found.of("sample") or found.images
        sample = packed(options, images, place / "sample.zip", found.encoding)
    return Job(
        reference=options.model,
        submission=options.model,
        splits=(),
        sample=sample,
        may_be_weak=options.allow_weak_sandbox,
        classes=found.classes,
        input=input_of(options),
        bounds=ANY_SIZE,
        plan=Plan(device=options.device, threads=options.threads),
        limits=limits_of(options),
        seed=options.seed,
    )


def limits_of(options: argparse.Namespace) -> Limits:
    return Limits(
        load_seconds=options.load_seconds,
        first_call_seconds=options.first_call_seconds,
        call_seconds=options.call_seconds,
        total_seconds=options.total_seconds,
        memory_bytes=options.memory_bytes or options.memory_mib << 20,
        output_bytes=options.output_bytes,
    )


def splits_of(
    options: argparse.Namespace, found: sets.Catalogue
) -> dict[str, tuple[sets.Image, ...]]:
    """Hidden splits as the source has them, else by seeded shares."""
    from scoring.images import sets

    given = {name: found.of(name) for name in ("public", "private") if found.of(name)}
    if given:
        return given
    if options.public_share == 1:
        return {"public": found.images}
    shares = {"public": options.public_share, "private": 1 - options.public_share}
    from scoring.images import kinship  # with SciPy, which only this needs

    return sets.share(found.images, shares, options.seed, kinship.of(found.images).groups())


def packed(
    options: argparse.Namespace, images: tuple[sets.Image, ...], target: Path, encoding: str
) -> Path:
    from scoring.images import sets

    sets.pack(options.data, images, target, options.seed, encoding)
    return target


def input_of(options: argparse.Namespace) -> InputSpec:
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


@contextmanager
def progress_line() -> Iterator[Callable[[Progress], None]]:
    """Tells progress on stderr: in place on a terminal, line by line elsewhere."""
    live = sys.stderr.isatty()
    told = ""

    def tell(progress: Progress) -> None:
        nonlocal told
        left = progress.remaining_seconds
        rest = "" if left is None else f", about {left:.0f} s left"
        line = f"{progress.percent:3.0f} %  {progress.stage}{rest}"
        if live:
            print(f"\r\x1b[2K{line}", end="", file=sys.stderr, flush=True)
        elif progress.stage != told:
            print(line, file=sys.stderr, flush=True)
        told = progress.stage

    try:
        yield tell
    finally:
        if live:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)


def table(report: Report, job: Job) -> str:
    """A report for people: the score taken apart."""
    if report.failure:
        said = f"\n{report.dry_run.output}" if report.dry_run else ""
        return f"failed: {report.failure.code}\n{report.failure.message}{said}".rstrip()
    timing, quality_ref = report.timing, report.quality_ref
    assert timing is not None
    assert quality_ref is not None
    assert report.model is not None
    weight, label = job.formula.time_weight, metrics.METRICS[job.formula.metric].label
    wide = max(10, len(label) + 2)
    width = formula.half_width(timing.half_width, weight)
    lines = [
        f"{'split':10}{'images':>8}{label:>{wide}}{'accuracy':>10}{'score':>10}  = time + quality",
        *(
            row(name, one, timing.time_ratio, quality_ref, job)
            for name, one in report.splits.items()
        ),
        "",
        f"score       lower is better, +- {width:.4f} (95 %, from timing)",
        f"time        {weight:g} x {timing.time_ratio:.4f} +- {timing.half_width:.4f} of the "
        f"reference's time; below 1 is faster",
        f"quality     sigmoid({job.formula.k:g} x ({quality_ref:.3f} - {label}))",
        f"per image   {timing.seconds_per_image * 1000:.3f} ms; reference "
        f"{timing.reference_seconds_per_image * 1000:.3f} ms",
        f"measured    {len(timing.quads)} quads in {timing.segments} segments, "
        f"{timing.measured_seconds:.1f} s, {timing.disturbed_share:.0%} disturbed",
        f"model       {report.model.parameters:,} parameters, {report.model.bytes:,} bytes",
        f"machine     {report.hardware['cpu']}, {report.hardware['threads']} of "
        f"{report.hardware['cores']} cores used",
        f"took        {sum(report.stages.values()):.1f} s: "
        + ", ".join(f"{name} {seconds:.1f}" for name, seconds in report.stages.items()),
    ]
    return "\n".join(lines + [f"note        {flag}" for flag in timing.flags])


def row(name: str, quality: SplitQuality, ratio: float, quality_ref: float, job: Job) -> str:
    found = formula.score(
        quality.quality,
        ratio,
        quality_ref=quality_ref,
        k=job.formula.k,
        time_weight=job.formula.time_weight,
    )
    wide = max(10, len(metrics.METRICS[job.formula.metric].label) + 2)
    gate = "  below the gate" if quality.quality < job.formula.min_quality else ""
    return (
        f"{name:10}{quality.images:>8,}{quality.quality:>{wide}.4f}{quality.accuracy:>10.4f}"
        f"{quality.score:>10.4f}  = "
        + " + ".join(f"{term:.4f}" for term in found.terms.values())
        + gate
    )


def trial_table(trial: Trial) -> str:
    """A try for people."""
    if trial.failure:
        said = f"\n{trial.dry_run.output}" if trial.dry_run else ""
        return f"failed: {trial.failure.code}\n{trial.failure.message}{said}".rstrip()
    assert trial.quality
    assert trial.seconds_per_image is not None
    lines = [
        f"passed      {trial.quality.images:,} images, each answered twice in fresh processes",
        f"macro-F1    {trial.quality.quality:.4f}, accuracy {trial.quality.accuracy:.4f}",
        f"per image   about {trial.seconds_per_image * 1000:.3g} ms on this machine; a rank is "
        "measured beside the reference",
    ]
    if trial.dry_run and trial.dry_run.output:
        lines.append(f"It said on the first {trial.dry_run.images}:\n{trial.dry_run.output}")
    return "\n".join(lines).rstrip()


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser("python -m scoring", description="Score image classifiers.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    one = commands.add_parser(
        "evaluate",
        help="score a model against a reference on a folder or zip of class folders",
        description="Exit code 0: scored, 1: failed with a code, 2: wrong usage.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    one.set_defaults(command=evaluate_command)
    one.add_argument("model", type=file, metavar="MODEL.pt")
    one.add_argument(
        "--reference", type=file, required=True, metavar="REF.pt", help="what time is held against"
    )
    add_data(one)
    add_reading(one)
    one.add_argument("--json", action="store_true", help="print the whole report")
    one.add_argument(
        "--public-share", type=some, default=0.5, help="of images without split folders"
    )
    one.add_argument(
        "--skip-broken",
        "--skip-bad",
        action="store_true",
        help="leave out images that cannot be decoded",
    )
    add_input(one)
    add_formula(one)
    one.add_argument(
        "--metric", choices=sorted(metrics.METRICS), default="macro_f1", help="what quality means"
    )
    one.add_argument(
        "--quality-ref",
        "--f1-ref",
        type=share,
        help="default: the reference's quality on the public split",
    )
    one.add_argument(
        "--min-quality",
        "--min-f1",
        type=share,
        default=0.0,
        help="the gate: least quality that may be ranked",
    )
    add_machine(one)
    one.add_argument("--max-seconds", type=above_0, default=60.0, help="cap of measuring")
    add_limits(one)
    one.add_argument("--cache", type=folder, help="folder that keeps decoded images")
    add_weakness(one)

    one = commands.add_parser(
        "try",
        help="run a model on a competition's sample as the dry run of an evaluation does",
        description="Same sandbox, same input; then each image twice, to see answers that change. "
        "Exit code 0: passed, 1: failed with the code of an evaluation, 2: wrong usage, 3: this "
        "machine cannot run models.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    one.set_defaults(command=try_command)
    one.add_argument("model", type=file, metavar="MODEL.pt")
    add_data(one)
    add_reading(one)
    one.add_argument("--json", action="store_true", help="print what was found as JSON")
    add_input(one)
    add_machine(one)
    add_limits(one)
    add_weakness(one)

    one = commands.add_parser("selftest", help="have models try to break out of the sandbox here")
    one.set_defaults(command=selftest_command)
    one.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    one.add_argument("--json", action="store_true")
    add_weakness(one)

    one = commands.add_parser("check", help="what can be said about a model without running it")
    one.set_defaults(command=check_command)
    one.add_argument("model", type=file, metavar="MODEL.pt")
    one.add_argument("--json", action="store_true")

    one = commands.add_parser("score", help="the formula for given figures")
    one.set_defaults(command=score_command)
    one.add_argument("--quality", "--f1", type=share, required=True)
    one.add_argument("--seconds", type=above_0, required=True, help="time of the model")
    one.add_argument(
        "--reference-seconds", type=above_0, required=True, help="time of the reference"
    )
    one.add_argument("--quality-ref", "--f1-ref", type=share, required=True)
    add_formula(one)

    one = commands.add_parser(
        "train-reference",
        help="train a small classifier and export it as TorchScript",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    one.set_defaults(command=train_command)
    one.add_argument(
        "--arch", default="small_resnet", help="tiny_cnn, wide_cnn, small_resnet or a timm name"
    )
    add_data(one)
    one.add_argument(
        "--output",
        "--out",
        type=writable,
        metavar="MODEL.pt",
        help="default: the architecture's name",
    )
    one.add_argument("--seconds", type=above_0, default=60.0, help="of training")
    one.add_argument("--epochs", type=positive, help="instead of seconds; repeatable by the seed")
    one.add_argument("--hold-out", type=share, default=0.15, help="share of images to test on")
    one.add_argument(
        "--flip", choices=("none", "horizontal", "both"), default="horizontal", help="mirror images"
    )
    one.add_argument("--export", choices=("script", "trace"), default="script")
    one.add_argument(
        "--threads", type=positive, help="default: all cores or one, whichever is faster"
    )
    add_input(one)
    return top


def add_data(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "--data", type=place, required=True, metavar="IMAGES", help="folder or zip of class folders"
    )
    one.add_argument("--seed", type=seed, default=0)


def add_reading(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "--labels", help="the table with the labels, where there are several; `folders`: none"
    )
    one.add_argument("--encoding", help="of names that do not say theirs, like cp949, cp932, gbk")


def add_weakness(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "--allow-weak-sandbox",
        action="store_true",
        help="for development: run models also where the kernel lacks a layer of the sandbox",
    )


def add_input(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "--input-size",
        type=positive,
        nargs="+",
        action=Sides,
        default=[96],
        help="pixels: a side, or height and width",
    )
    one.add_argument("--batch-size", type=positive, default=1)
    one.add_argument("--dtype", choices=get_args(Dtype), default=InputSpec.dtype)
    one.add_argument("--mean", type=float, nargs=3, default=InputSpec.mean, help="per channel")
    one.add_argument("--std", type=above_0, nargs=3, default=InputSpec.std, help="per channel")
    one.add_argument(
        "--interpolation", choices=get_args(Interpolation), default=InputSpec.interpolation
    )
    one.add_argument("--crop-pct", type=above_0, default=InputSpec.crop_pct, help="as in timm")
    one.add_argument("--crop-mode", choices=get_args(CropMode), default=InputSpec.crop_mode)


def add_machine(one: argparse.ArgumentParser) -> None:
    one.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where models run")
    one.add_argument("--threads", type=positive, default=1, help="of each model; leave a core free")


def add_limits(one: argparse.ArgumentParser) -> None:
    limits = Limits()
    one.add_argument(
        "--load-seconds", type=above_0, default=limits.load_seconds, help="limit of loading"
    )
    one.add_argument(
        "--call-seconds", type=above_0, default=limits.call_seconds, help="limit of one call"
    )
    one.add_argument(
        "--first-call-seconds",
        type=above_0,
        default=limits.first_call_seconds,
        help="limit of the first call of a process",
    )
    one.add_argument(
        "--total-seconds", type=above_0, default=limits.total_seconds, help="limit of all calls"
    )
    one.add_argument(
        "--memory-mib", type=positive, default=limits.memory_bytes >> 20, help="limit of memory"
    )
    one.add_argument("--memory-bytes", type=positive, help="the same, to the byte")
    one.add_argument(
        "--output-bytes", type=positive, default=limits.output_bytes, help="limit of one answer"
    )


def add_formula(one: argparse.ArgumentParser) -> None:
    one.add_argument("--k", type=weight, default=20.0, help="steepness of the quality term")
    one.add_argument("--time-weight", type=weight, default=0.5)


class Sides(argparse.Action):
    """One side or two, which argparse has no `nargs` for."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option: Any = None) -> None:
        if len(values) > 2:
            parser.error(f"argument {option}: one side, or height and width")
        setattr(namespace, self.dest, values)


def file(text: str) -> Path:
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text}")
    return Path(text)


def place(text: str) -> Path:
    if not Path(text).exists():
        raise argparse.ArgumentTypeError(f"there is no folder or file {text}")
    return Path(text)


def folder(text: str) -> Path:
    if any(part.is_file() for part in (Path(text), *Path(text).parents)):
        raise argparse.ArgumentTypeError(f"{text} is no folder")
    return Path(text)


def writable(text: str) -> Path:
    parent = Path(text).absolute().parent
    if Path(text).is_dir() or not (parent.is_dir() and os.access(parent, os.W_OK)):
        raise argparse.ArgumentTypeError(f"{text} cannot be written")
    return Path(text)


def seed(text: str) -> int:
    if not 0 <= int(text) < 1 << 63:
        raise argparse.ArgumentTypeError("must be at least 0, below 2 to the 63")
    return int(text)


def weight(text: str) -> float:
    if not (math.isfinite(float(text)) and float(text) >= 0):
        raise argparse.ArgumentTypeError("must be at least 0 and finite")
    return float(text)


def some(text: str) -> float:
    if not 0 < float(text) <= 1:
        raise argparse.ArgumentTypeError("must be above 0, at most 1")
    return float(text)


def positive(text: str) -> int:
    if int(text) < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return int(text)


def above_0(text: str) -> float:
    if not (math.isfinite(float(text)) and float(text) > 0):
        raise argparse.ArgumentTypeError("must be above 0")
    return float(text)


def share(text: str) -> float:
    if not 0 <= float(text) <= 1:
        raise argparse.ArgumentTypeError("must be between 0 and 1")
    return float(text)


if __name__ == "__main__":
    sys.exit(main())
