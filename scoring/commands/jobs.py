"""Jobs made of the options of a command line. Needs NumPy and SciPy."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from scoring.commands.options import input_of, limits_of
from scoring.errors import BadDataset
from scoring.images import kinship, sets
from scoring.job import Formula, InputBounds, Job, Plan, Split
from scoring.sentences import say

ANY_SIZE = InputBounds(min_size=1, max_size=1 << 14, min_crop_pct=0.01)
"""Wide bounds: only the site knows those of a competition, and `featherweight check` asks it."""


def job_of(options: argparse.Namespace, folder: Path) -> Job:
    """The job of `evaluate`. Its splits are packed in `folder`. Raises `BadDataset`."""
    found = sets.catalogue(options.data, encoding=options.encoding, table=options.labels)
    for problem in found.problems:
        print(f"{sets.shown(problem.name)}: {problem.message}", file=sys.stderr)
    if (
        any(problem.code in ("broken_image", "unclear_depth") for problem in found.problems)
        and not options.skip_broken
    ):
        raise BadDataset(
            "broken_images",
            say("Some images cannot be decoded. Use --skip-broken to leave them out."),
        )
    splits = tuple(
        Split(name, packed(options, images, folder / f"{name}.zip", found.encoding))
        for name, images in splits_of(options, found).items()
    )
    return Job(
        reference=options.reference,
        submission=options.model,
        splits=splits,
        sample=splits[0].images,  # who runs this has all images and may read the output
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


def trial_of(options: argparse.Namespace, folder: Path) -> Job:
    """The job of `try`. Its sample is the source, or that split of it. Raises `BadDataset`."""
    found = sets.catalogue(
        options.data, verify=False, encoding=options.encoding, table=options.labels
    )
    sample = options.data
    if any(image.split for image in found.images) or options.encoding or options.labels:
        images = found.of("sample") or found.images
        sample = packed(options, images, folder / "sample.zip", found.encoding)
    return Job(
        reference=options.model,
        submission=options.model,
        splits=(),
        sample=sample,
        may_be_weak=options.allow_weak_sandbox,
        classes=found.classes,
        input=input_of(options),
        bounds=ANY_SIZE,
        formula=Formula(metric=options.metric),
        plan=Plan(device=options.device, threads=options.threads),
        limits=limits_of(options),
        seed=options.seed,
    )


def splits_of(
    options: argparse.Namespace, found: sets.Catalogue
) -> dict[str, tuple[sets.Image, ...]]:
    """The hidden splits of the source; without splits, seeded shares of all images."""
    given = {name: found.of(name) for name in ("public", "private") if found.of(name)}
    if given:
        return given
    if options.public_share == 1:
        return {"public": found.images}
    shares = {"public": options.public_share, "private": 1 - options.public_share}

    return sets.share(found.images, shares, options.seed, kinship.of(found.images).groups())


def packed(
    options: argparse.Namespace, images: tuple[sets.Image, ...], target: Path, encoding: str
) -> Path:
    """Images written to `target` as a zip; its path."""
    sets.pack(options.data, images, target, options.seed, encoding)
    return target
