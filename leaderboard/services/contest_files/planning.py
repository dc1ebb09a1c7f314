"""What an import of a contest file would change, before it does, and what forbids it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.errors import Conflict, NotFound, Refused
from leaderboard.models import Competition, Dataset, HardwareProfile
from leaderboard.models.fields import check_time_zone
from leaderboard.services import competitions, faq, files, profiles, references, tracks
from leaderboard.services.contest_files import baselines, schema
from leaderboard.services.contest_files.baselines import Wanted
from leaderboard.services.contest_files.reading import BadContestFile, ContestFile, Slip
from leaderboard.services.contest_files.schema import Images


@dataclass(frozen=True)
class Change:
    """One setting that an import would write."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Plan:
    """What an import would do. Nothing is done yet."""

    file: ContestFile
    competition: Competition
    profile: HardwareProfile
    dataset: Dataset | None
    """The one that is on the site already."""
    must_import: bool
    new_reference: Path | None
    baselines: tuple[Wanted, ...]
    changes: tuple[Change, ...]
    refusals: tuple[Refused, ...]
    is_new: bool
    """Whether the site has no competition of this slug yet."""


def planned(file: ContestFile) -> Plan:
    """Compare a file with the site. Raises `BadContestFile` for values that no rule allows."""
    contest = file.contest
    row = Competition.objects.filter(slug=contest.slug).first()
    competition = row or Competition(slug=contest.slug)
    changed = [*filled(competition, settings_in(file), place)]
    profile, changed_profile = profile_of(file)
    refusals: list[Refused] = []
    dataset, must_import = dataset_or_none(file, competition, refusals)
    changed += moved(competition, "profile", profile if profile.pk else None, contest.profile.slug)
    if contest.dataset:
        told = contest.dataset.source or contest.dataset.sha256 or ""
        changed += moved(competition, "dataset", dataset, told)
    check_values(file, competition, profile)
    reference = reference_of(file, row, refusals)
    beside = baselines.wanted(file, row, refusals)
    changes = [*(change for change in changed_profile), *(change for _, change in changed)]
    if reference:
        before = row.reference if row and row.reference else None
        changes.append(Change("reference", shown(before), reference.name))
    changes += others(beside) + asked_often(file, row)
    if row:
        refusals += forbidden(row, competition, {name for name, _ in changed}, profile)
    elif profile.pk:
        refusals += forbidden_profile(profile)
    return Plan(
        file=file,
        competition=competition,
        profile=profile,
        dataset=dataset,
        must_import=must_import,
        new_reference=reference,
        baselines=tuple(beside),
        changes=tuple(changes),
        refusals=tuple(refusals),
        is_new=row is None,
    )


def place(name: str) -> str:
    """Where a setting of a competition stands in the file."""
    section = schema.section_of(name)
    return f"{section}.{name}" if section else name


def settings_in(file: ContestFile) -> dict[str, Any]:
    """The settings of the competition that the file writes. The others stay as they are."""
    contest, found = file.contest, {}
    for name in schema.in_order(Competition):
        section = schema.section_of(name)
        part = getattr(contest, section) if section else contest
        if name in part.model_fields_set:
            found[name] = getattr(part, name)
    zone = found.get("time_zone")
    if zone is None:
        row = Competition.objects.filter(slug=contest.slug).only("time_zone").first()
        zone = row.time_zone if row else "UTC"
    try:
        check_time_zone(zone)
    except ValidationError as error:
        raise BadContestFile(
            [file.slip(("dates", "time_zone"), " ".join(error.messages))]
        ) from error
    if "tracks" in found:
        found["tracks"] = [one.stored() for one in found["tracks"]]
    return {name: in_zone(value, zone) for name, value in found.items()}


def in_zone(value: Any, zone: str) -> Any:
    """A moment. If it names no zone, it is in the zone of the competition."""
    if isinstance(value, datetime) and timezone.is_naive(value):
        return value.replace(tzinfo=ZoneInfo(zone))
    return value


def filled(row: models.Model, values: dict[str, Any], where: Any) -> Iterable[tuple[str, Change]]:
    """Set values on an object, which is not saved; yields the changes."""
    is_new = row.pk is None
    for name, value in values.items():
        before = None if is_new else getattr(row, name)
        if is_new or before != value:
            setattr(row, name, value)
            yield name, Change(where(name), shown(before), shown(value))


def moved(
    competition: Competition, name: str, to: models.Model | None, told: str
) -> list[tuple[str, Change]]:
    """Point a competition at another row, or note that it will point at a new row."""
    before = getattr(competition, name) if competition.pk else None
    if to is not None and before == to:
        return []
    setattr(competition, f"{name}_id", to.pk if to else None)
    return [(name, Change(name, shown(before), told))]


def shown(value: Any) -> Any:
    """A value as JSON and people read it."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int | float | list) else str(value)


def others(beside: Sequence[Wanted]) -> list[Change]:
    """The baselines that the file writes otherwise."""
    return [Change("baselines", shown(one.row), one.item.name) for one in beside]


def asked_often(file: ContestFile, row: Competition | None) -> list[Change]:
    """The change of the FAQ, if the file writes another one."""
    if file.contest.faq is None:
        return []
    wanted = [words.model_dump() for words in file.contest.faq]
    entries = [asdict(words) for words in faq.words(row)] if row else []
    return [Change("faq", entries, wanted)] if wanted != entries else []


def profile_of(file: ContestFile) -> tuple[HardwareProfile, list[Change]]:
    part = file.contest.profile
    profile = HardwareProfile.objects.filter(slug=part.slug).first()
    profile = profile or HardwareProfile(slug=part.slug)
    values = {name: getattr(part, name) for name in part.model_fields_set}
    return profile, [one for _, one in filled(profile, values, lambda name: f"profile.{name}")]


def check_values(file: ContestFile, competition: Competition, profile: HardwareProfile) -> None:
    """Raises `BadContestFile` for values that the models refuse."""
    slips = [*refused(file, profile, "profile", leave_out=())]
    slips += refused(file, competition, "", leave_out=("profile", "dataset"))
    if slips:
        raise BadContestFile(slips)


def refused(
    file: ContestFile, row: models.Model, section: str, leave_out: Sequence[str]
) -> Iterable[Slip]:
    try:
        row.full_clean(exclude=leave_out)
    except ValidationError as error:
        for name, messages in error.message_dict.items():
            if name == NON_FIELD_ERRORS:
                path: tuple[str, ...] = (section,) if section else ()
            else:
                own = section or schema.section_of(name)
                path = (own, name) if own else (name,)
            yield file.slip(path, " ".join(messages))


def dataset_of(file: ContestFile, now: Dataset | None) -> tuple[Dataset | None, bool]:
    """The dataset of a file that is on the site, and whether one must be imported.

    Raises `NotFound` if the site has none and the file names no source of one.
    """
    images = file.contest.dataset
    if images is None:
        return now, False
    if images.sha256 and (found := Dataset.objects.filter(sha256=images.sha256).first()):
        return found, False
    if images.source is None:
        raise NotFound(
            gettext(
                "The file names no dataset of this site. Write the “source” of the images, "
                "or the “sha256” of a dataset that is already here."
            ),
            code="unknown_dataset",
        )
    source = file.beside(images.source)
    if not source.exists():
        raise NotFound(
            gettext("%(source)s does not exist. Name a zip or a folder of images.")
            % {"source": images.source},
            code="no_such_file",
        )
    known = Dataset.objects.filter(source_sha256=source_sha256(source, images)).first()
    return known, known is None


def dataset_or_none(
    file: ContestFile, competition: Competition, refusals: list[Refused]
) -> tuple[Dataset | None, bool]:
    """The same, with what forbids it added to the refusals."""
    try:
        return dataset_of(file, competition.dataset)
    except Refused as error:
        refusals.append(error)
        return None, False


def source_sha256(source: Path, images: Images) -> str:
    """A hash that tells one import from another: of files and decisions, without decoding
    pictures."""
    choices = images.model_dump(exclude={"sha256", "source", "name", "licence"})
    digest = hashlib.sha256(json.dumps(choices, sort_keys=True).encode())
    each = [source] if source.is_file() else sorted(source.rglob("*"))
    for path in each:
        if path.is_file():
            name = path.relative_to(source).as_posix()
            digest.update(f"\n{name} {files.sha256_of(path)}".encode())
    return digest.hexdigest()


def reference_of(
    file: ContestFile, row: Competition | None, refusals: list[Refused]
) -> Path | None:
    """The model that must be stored, or None if it is there. Adds what forbids it."""
    wanted = file.contest.reference
    now = row.reference if row else None
    if wanted is None:
        return None
    path = file.beside(wanted.file) if wanted.file else None
    if path and not path.is_file():
        path = None
    sha256 = files.sha256_of(path) if path else wanted.sha256
    if now and now.sha256 == sha256 and wanted.name in ("", now.name):
        return None
    if path is None:
        refusals.append(
            NotFound(
                gettext("The file of the reference model is missing. Write its path as “file”."),
                code="no_such_file",
            )
        )
    elif wanted.sha256 and wanted.sha256 != sha256:
        refusals.append(
            Conflict(
                gettext(
                    "The sha256 of %(file)s is not the one in the contest file. Correct one "
                    "of them."
                )
                % {"file": wanted.file},
                code="other_content",
            )
        )
    elif row:
        try:
            references.check_draft(row)
        except Refused as error:
            refusals.append(error)
    return path


def forbidden(
    row: Competition, wanted: Competition, fields: set[str], profile: HardwareProfile
) -> Iterable[Refused]:
    """What the rules of the panel forbid of the changes to an existing competition."""
    try:
        competitions.check_editable(Competition.objects.get(pk=row.pk), fields)
        competitions.check_formats_kept(Competition.objects.get(pk=row.pk), wanted.formats)
        tracks.check_kept(Competition.objects.get(pk=row.pk), wanted.all_tracks)
    except Refused as error:
        yield error
    yield from forbidden_profile(profile)


def forbidden_profile(profile: HardwareProfile) -> Iterable[Refused]:
    row = HardwareProfile.objects.filter(pk=profile.pk).first()
    if row is None:
        return
    try:
        profiles.check_fixed(row, profile)
    except Refused as error:
        yield error
