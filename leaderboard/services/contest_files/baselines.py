"""The baselines of a contest file: what the site lacks is stored, and nothing is removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.core.files import File
from django.utils.translation import gettext

from leaderboard.errors import Conflict, NotFound, Refused
from leaderboard.models import Baseline, Competition, User
from leaderboard.services import baseline_files, competitions, files
from leaderboard.services.contest_files.reading import ContestFile
from leaderboard.services.contest_files.schema import BaselineItem


@dataclass(frozen=True)
class Wanted:
    """A baseline as the file has it, and the one of this name on the site."""

    item: BaselineItem
    path: Path | None
    """Of a model that must be stored; None: the site has it."""
    row: Baseline | None


def wanted(file: ContestFile, row: Competition | None, refusals: list[Refused]) -> list[Wanted]:
    """What an import would change. Adds what forbids it."""
    items: Sequence[BaselineItem] = file.contest.baselines or ()
    there = {one.name: one for one in row.baselines.all()} if row else {}
    known = set(there)
    changed = []
    for item in items:
        try:
            name = baseline_files.tidy(item.name)
        except Refused as error:
            refusals.append(error)
            continue
        if name in known.difference(there):
            refusals.append(baseline_files.taken())
        known.add(name)
        if one := compared(file, item, there.get(name), refusals):
            changed.append(one)
    forbid(refusals, lambda: baseline_files.check_count(len(known)))
    if row and any(one.path for one in changed):
        forbid(refusals, lambda: competitions.check_unpublished(row))
    return changed


def compared(
    file: ContestFile, item: BaselineItem, row: Baseline | None, refusals: list[Refused]
) -> Wanted | None:
    """A baseline that differs from the site's; None if it does not."""
    path = file.beside(item.file) if item.file else None
    path = path if path and path.is_file() else None
    sha256 = files.sha256_of(path) if path else item.sha256
    if row and sha256 in (None, row.sha256):
        return Wanted(item, None, row) if item.is_released != row.is_released else None
    if path is None:
        said = gettext("The file of the baseline %(name)s is missing. Write its path as “file”.")
        refusals.append(NotFound(said % {"name": item.name}, code="no_such_file"))
    elif item.sha256 and item.sha256 != sha256:
        said = gettext(
            "The sha256 of %(file)s is not the one in the contest file. Correct one of them."
        )
        refusals.append(Conflict(said % {"file": item.file}, code="other_content"))
    return Wanted(item, path, row)


def forbid(refusals: list[Refused], check: Callable[[], None]) -> None:
    try:
        check()
    except Refused as error:
        refusals.append(error)


def write(competition: Competition, changed: Sequence[Wanted], *, by: User) -> None:
    """Store what differs. A draft measures its baselines after the calibration."""
    for one in changed:
        if one.path is None:
            release(one, by=by)
            continue
        with one.path.open("rb") as model:
            upload = File(model, name=one.path.name)
            if one.row is None:
                baseline_files.add(
                    competition=competition,
                    upload=upload,
                    name=one.item.name,
                    is_released=one.item.is_released,
                    by=by,
                )
            else:
                baseline_files.replace(baseline=one.row, upload=upload, by=by)
                release(one, by=by)


def release(one: Wanted, *, by: User) -> None:
    assert one.row
    if one.row.is_released != one.item.is_released:
        one.row.is_released = one.item.is_released
        baseline_files.edit(baseline=one.row, by=by)
