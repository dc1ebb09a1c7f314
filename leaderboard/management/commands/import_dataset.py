"""The console's way to a dataset, for sets too large for a browser."""

from __future__ import annotations

import argparse
import json
import secrets
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from leaderboard.errors import Refused
from leaderboard.services import datasets


def shares(text: str) -> dict[str, float]:
    """`0.6/0.2/0.2` for sample, public and private."""
    try:
        sample, public, private = map(float, text.split("/"))
    except ValueError as error:
        raise argparse.ArgumentTypeError("write three shares, like 0.6/0.2/0.2") from error
    return {"sample": sample, "public": public, "private": private}


class Command(BaseCommand):
    help = (
        "Import images in class folders, or in sample/, public/ and private/ with class folders, "
        "from a zip or folder. Exit code 0: imported, or there already; 1: refused, with the "
        "reason; 2: wrong usage."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", type=Path, help="zip or folder")
        parser.add_argument("--name", default="", help="default: the name of the source")
        parser.add_argument("--licence", default="", help="shown beside the sample")
        parser.add_argument(
            "--shares", type=shares, metavar="S/P/P", help="sample/public/private (0.6/0.2/0.2)"
        )
        parser.add_argument(
            "--seed",
            type=int,
            help="the same seed on this site divides the same images in the same way; keep it to "
            "yourself (default: drawn and forgotten)",
        )
        parser.add_argument("--skip-bad", action="store_true", help="leave out unreadable files")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *, source: Path, **options: Any) -> None:
        if not source.exists():
            raise CommandError(f"There is no {source}.", returncode=2)
        seed = secrets.randbits(63) if options["seed"] is None else options["seed"]
        started_at = timezone.now()
        try:
            dataset = datasets.import_(
                name=options["name"],
                source=source,
                shares=options["shares"],
                seed=seed,
                skip_bad=options["skip_bad"],
                licence=options["licence"],
                by=None,
                tell=lambda stage: self.stderr.write(f"{stage} …", self.style.NOTICE),
            )
        except Refused as error:
            if options["json"]:
                self.stdout.write(json.dumps({"code": error.code, "detail": error.detail}))
            raise CommandError(f"{error.detail} ({error.code})") from error
        splits = {split.name: split.images for split in dataset.splits.all()}
        is_new = dataset.created_at >= started_at
        if options["json"]:
            facts = {"id": dataset.pk, "name": dataset.name, "sha256": dataset.sha256}
            facts |= {"classes": dataset.classes, "images": splits}
            facts |= {"skipped": dataset.skipped, "is_new": is_new}
            self.stdout.write(json.dumps(facts, ensure_ascii=False))
            return
        counts = ", ".join(f"{count} {split}" for split, count in splits.items())
        self.stdout.write(
            f"{'Imported' if is_new else 'There already:'} {dataset.name} (number {dataset.pk}): "
            f"{len(dataset.classes)} classes, {counts}, {len(dataset.skipped)} files left out."
        )
