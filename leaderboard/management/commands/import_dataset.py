"""Imports a dataset from the console, for sets that are too large for a browser."""

from __future__ import annotations

import argparse
import json
import secrets
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone, translation
from django.utils.translation import gettext, ngettext

from leaderboard.cli import languages
from leaderboard.errors import Refused
from leaderboard.models import Dataset
from leaderboard.sentences import message, said
from leaderboard.services import datasets, divisions
from scoring.images.report import ImageReport
from scoring.sentences import spoken

HOW = {
    "bad_files": "--skip-broken",
    "conflicting_labels": "--conflicts drop",
    "splits_overlap": "--allow-overlaps",
    "seen_before": "--allow-seen",
    "too_alike": "--near apart",
}
"""The option that overrides a refusal, by the refusal's code."""


def shares(text: str) -> dict[str, float]:
    """`0.6/0.2/0.2` for sample, public and private."""
    try:
        sample, public, private = map(float, text.split("/"))
    except ValueError as error:
        raise argparse.ArgumentTypeError("write three shares, like 0.6/0.2/0.2") from error
    return {"sample": sample, "public": public, "private": private}


def add_source(parser: CommandParser) -> None:
    """What is imported, and how it is divided."""
    parser.add_argument("source", type=Path, help="zip or folder of images")
    parser.add_argument(
        "--name", default="", help="name of the dataset (default: the name of the source)"
    )
    parser.add_argument("--licence", default="", help="licence, shown next to the sample")
    parser.add_argument(
        "--shares",
        type=shares,
        metavar="S/P/P",
        help="shares of sample/public/private (default: 0.6/0.2/0.2)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        help="the same seed on this site divides the same images in the same way; keep it secret "
        "(default: a random seed, which is printed and not stored)",
    )
    parser.add_argument(
        "--labels", help="the table with the labels, if there are several; `folders`: no table"
    )
    parser.add_argument(
        "--encoding",
        help="encoding of names in the zip that declare none, for example cp949, cp932 or gbk",
    )


def add_decisions(parser: CommandParser) -> None:
    """Options that override refusals."""
    parser.add_argument(
        "--skip-broken",
        "--skip-bad",
        action="store_true",
        help="leave out files that cannot be used",
    )
    parser.add_argument(
        "--conflicts",
        choices=("stop", "drop"),
        default="stop",
        help="if a picture is in two classes: stop, or leave out every copy",
    )
    parser.add_argument(
        "--near",
        choices=("together", "apart"),
        default="together",
        help="nearly equal pictures: keep them in one split, or divide them like other pictures",
    )
    parser.add_argument(
        "--allow-overlaps",
        action="store_true",
        help="accept the given splits although a picture is in two of them",
    )
    parser.add_argument(
        "--allow-seen",
        action="store_true",
        help="accept a hidden picture that is in the sample of another dataset, or the reverse",
    )


class Command(BaseCommand):
    help = (
        "Import images in class folders, in sample/, public/ and private/ with class folders, or "
        "next to a table labels.csv (file,label), from a zip or folder. A report comes first. Exit "
        "code 0: imported, already there, or (--dry-run) it can be imported; 1: refused, with "
        "the reason; 2: wrong usage."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_source(parser)
        add_decisions(parser)
        parser.add_argument(
            "--dry-run", action="store_true", help="print the report and store nothing"
        )
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *, source: Path, **options: Any) -> None:
        """Says everything in the language of the terminal."""
        with translation.override(languages.code):
            self.bring_in(source, options)

    def bring_in(self, source: Path, options: dict[str, Any]) -> None:
        if not source.exists():
            raise CommandError(
                gettext("%(source)s does not exist.") % {"source": source}, returncode=2
            )
        if options["seed"] is None:
            options["seed"] = secrets.randbits(63)
        reports: list[ImageReport] = []
        started_at = timezone.now()
        try:
            catalogue = datasets.read(
                source, encoding=options["encoding"], table=options["labels"], tell=self.tell
            )
            if options["dry_run"]:
                name = options["name"].strip() or source.stem
                plan = divisions.planned(catalogue, wishes(options), name=name)
                self.show(plan.report, options, reports)
                return self.rehearsed(reports[0], options)
            dataset = datasets.import_(
                name=options["name"],
                source=source,
                wishes=wishes(options),
                licence=options["licence"],
                catalogue=catalogue,
                by=None,
                tell=self.tell,
                show=lambda report: self.show(report, options, reports),
            )
        except Refused as error:
            if options["json"]:
                told = {"report": reports[0].to_dict()} if reports else {}
                self.stdout.write(json.dumps({"code": error.code, "detail": error.detail, **told}))
            raise CommandError(refused(error.code, str(error.detail))) from error
        self.imported(dataset, dataset.created_at >= started_at, reports[0], options)
        return None

    def tell(self, stage: str) -> None:
        self.stderr.write(f"{stage} …", self.style.NOTICE)

    def show(
        self, report: ImageReport, options: dict[str, Any], reports: list[ImageReport]
    ) -> None:
        """Print a report, and keep it for the JSON at the end."""
        reports.append(report)
        if not options["json"]:
            for heading, told in report.paragraphs():
                self.stdout.write(f"{said(heading)}: {message(told)}")
            self.stdout.write(gettext("Seed: %(seed)d") % options)

    def rehearsed(self, report: ImageReport, options: dict[str, Any]) -> None:
        """The end of a dry run. Raises `CommandError` if an import would be refused."""
        if options["json"]:
            facts = {"seed": options["seed"], "report": report.to_dict()}
            self.stdout.write(json.dumps(facts, ensure_ascii=False))
        if report.refusals:
            raise CommandError("\n".join(refused(one.code, one.message) for one in report.refusals))
        if not options["json"]:
            self.stdout.write(gettext("The images can be imported. Nothing was stored."))

    def imported(
        self, dataset: Dataset, is_new: bool, report: ImageReport, options: dict[str, Any]
    ) -> None:
        splits = {split.name: split.images for split in dataset.splits.all()}
        if options["json"]:
            facts = {"id": dataset.pk, "name": dataset.name, "sha256": dataset.sha256}
            facts |= {"classes": dataset.classes, "images": splits}
            facts |= {"version": dataset.version, "changes": dataset.changes or None}
            facts |= {"seed": options["seed"]}
            facts |= {
                "skipped": spoken(dataset.skipped),
                "is_new": is_new,
                "report": report.to_dict(),
            }
            self.stdout.write(json.dumps(facts, ensure_ascii=False))
            return
        counts = ", ".join(f"{count} {split}" for split, count in splits.items())
        begin = gettext("Imported:") if is_new else gettext("Already there:")
        classes, left_out = len(dataset.classes), len(dataset.skipped)
        told = (
            f"{dataset} (#{dataset.pk})",
            ngettext("%(classes)d class", "%(classes)d classes", classes) % {"classes": classes},
            counts,
            ngettext("%(files)d file left out", "%(files)d files left out", left_out)
            % {"files": left_out},
        )
        self.stdout.write(f"{begin} {', '.join(told)}.")


def wishes(options: dict[str, Any]) -> divisions.Wishes:
    return divisions.Wishes(
        seed=options["seed"],
        shares=options["shares"],
        skip_broken=options["skip_broken"],
        drop_conflicts=options["conflicts"] == "drop",
        near_apart=options["near"] == "apart",
        allow_overlaps=options["allow_overlaps"],
        allow_seen=options["allow_seen"],
    )


def refused(code: str, told: str) -> str:
    return f"{told} ({code}{f'; {HOW[code]}' if code in HOW else ''})"
