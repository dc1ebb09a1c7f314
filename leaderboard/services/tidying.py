"""What is old goes: files that no row names, expired sign-ins, reports whose time is over, and what
competitions set a term for (`keeping`).

No board, no score and no signed result is deleted: those are rows and files of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.files.storage import default_storage
from django.db.models import QuerySet
from django.utils import timezone

from leaderboard.models import StoredReport
from leaderboard.services import keeping
from leaderboard.services.backups.manifest import stored_files

YOUNG = timedelta(days=1)
"""A younger file may belong to a row that is being written."""
BY_HASH = re.compile(r"[0-9a-f]{64}(\.\w+)*")


@dataclass(frozen=True)
class Term:
    """What goes of a competition because a term of its organizers is over."""

    competition: str
    scope: str
    """`unranked`: of submissions on no board; `all`: of all submissions."""
    since: str
    """The end of the term, as ISO 8601."""
    submissions: int
    reports: int
    bytes: int
    is_waiting: bool
    """It stays until the result of the present boards is signed."""


@dataclass(frozen=True)
class Tidied:
    files: int
    bytes: int
    reports: int
    sessions: int
    terms: tuple[Term, ...] = ()


def tidy(*, is_dry: bool = False) -> Tidied:
    """Delete what is old, or with `is_dry` only count it."""
    terms = tuple(ended(is_dry=is_dry))
    files = size = 0
    for name in unnamed():
        files, size = files + 1, size + default_storage.size(name)
        if not is_dry:
            default_storage.delete(name)
    sessions = Session.objects.filter(expire_date__lt=timezone.now())
    found = Tidied(files, size, old_reports().count(), sessions.count(), terms)
    if not is_dry:
        old_reports().delete()
        sessions.delete()
    return found


def ended(*, is_dry: bool) -> Iterator[Term]:
    """Delete, or count, what goes at the terms of competitions."""
    for term in list(keeping.over()):
        if not keeping.held(term).exists():  # an earlier term has taken it
            continue
        is_waiting = not keeping.is_signed(term.competition)
        stays = is_dry or is_waiting
        found = keeping.holdings(term) if stays else keeping.forget(term)
        yield Term(
            competition=term.competition.slug,
            scope=term.scope.value,
            since=term.at.isoformat() if term.at else "",
            submissions=found.submissions,
            reports=found.reports,
            bytes=found.bytes,
            is_waiting=is_waiting,
        )


def old_reports() -> QuerySet[StoredReport]:
    """Reports of competitions that were published longer ago than KEEP_REPORTS_DAYS; 0: none."""
    if not settings.KEEP_REPORTS_DAYS:
        return StoredReport.objects.none()
    before = timezone.now() - timedelta(days=settings.KEEP_REPORTS_DAYS)
    return StoredReport.objects.filter(evaluation__competition__published_at__lt=before)


def unnamed() -> Iterator[str]:
    """Files under their SHA-256 that no row names, such as after a refused upload."""
    named = {name for name, _ in stored_files()}
    for name in below(""):
        is_old = default_storage.get_modified_time(name) < timezone.now() - YOUNG
        if is_old and name not in named:
            yield name


def below(folder: str) -> Iterator[str]:
    """The files below a folder of the storage that are named by their hash."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in files:
        if BY_HASH.fullmatch(name):
            yield f"{folder}/{name}".lstrip("/")
    for name in folders:
        yield from below(f"{folder}/{name}".lstrip("/"))
