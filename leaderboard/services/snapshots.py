"""Results as signed files. The post makes them, because it alone has the key.

A published result gets its file once the last ranges of ranks are computed, and a new one if a
board changes after that. Organizers may ask for a draft before, which nobody else gets. They may
also sign the public board of a moment: such a provisional result is for everybody.
"""

from __future__ import annotations

import logging
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Concat
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard import queue
from leaderboard.errors import Conflict, NotFound
from leaderboard.models import BoardVersion, Competition, Entry, Snapshot, User
from leaderboard.services import (
    audit,
    competitions,
    files,
    locks,
    organizers,
    signing,
    snapshot_contents,
    versions,
    visibility,
)
from scoring.snapshots import canonical

logger = logging.getLogger(__name__)
Board = Entry.Board
PATIENCE = timedelta(minutes=10)
"""After so long a process that began a file is taken for dead."""


def of(competition: Competition) -> QuerySet[Snapshot]:
    """The files of a published result, the newest first."""
    made = Snapshot.objects.filter(competition=competition, is_final=True)
    return made.exclude(made_at=None).select_related("key").order_by("-pk")


def latest(competition: Competition) -> Snapshot | None:
    return of(competition).first() if competition.is_published else None


def find(competition: Competition) -> Snapshot:
    """The newest file of a published result. Raises `NotFound`."""
    check_published(competition)
    found = latest(competition)
    if found is None:
        raise NotFound(
            gettext("The snapshot is being made. Try again in a minute."), code="snapshot_not_made"
        )
    return found


def provisional(competition: Competition) -> QuerySet[Snapshot]:
    """The signed public boards of earlier moments, the newest first."""
    made = Snapshot.objects.filter(competition=competition, is_provisional=True)
    return made.exclude(made_at=None).select_related("key").order_by("-pk")


def find_provisional(competition: Competition) -> Snapshot:
    """The newest signed public board. Raises `NotFound`."""
    found = provisional(competition).first()
    if found is None:
        raise NotFound(
            gettext("The organizers have not signed the public board yet."),
            code="snapshot_not_made",
        )
    return found


def check_published(competition: Competition) -> None:
    if not competition.is_published:
        raise NotFound(
            gettext("The snapshot is made when the organizers publish the private board."),
            code="board_not_published",
        )


@transaction.atomic
def ask(*, competition: Competition, by: User) -> Snapshot:
    """Ask for a draft. Raises `Conflict` without a calibration."""
    organizers.check_organizer(by, competition)
    check_calibrated(competition)
    return asked(Snapshot(competition=competition), by)


@transaction.atomic
def sign_public(*, competition: Competition, by: User) -> Snapshot:
    """Ask for a provisional result: the public board of now, signed, for everybody.

    Raises `Conflict` before the opening, after the publication, and in a blind competition. What
    waits to be made already is returned.
    """
    organizers.check_organizer(by, competition)
    competition = locks.lock(competition)
    check_calibrated(competition)
    competitions.check_unpublished(competition)
    if not competition.is_public:
        raise Conflict(
            gettext("A draft has no board. Open the competition first."),
            code="wrong_competition_state",
        )
    if competition.hides_scores:
        raise Conflict(visibility.hidden().detail, code="scores_hidden")
    waiting = competition.snapshots.filter(is_provisional=True, made_at=None, broke=False).first()
    return waiting or asked(Snapshot(competition=competition, is_provisional=True), by)


def check_calibrated(competition: Competition) -> None:
    if competition.calibration is None:
        raise Conflict(gettext("Calibrate the reference model first."), code="no_calibration")


def asked(made: Snapshot, by: User) -> Snapshot:
    """Save a request for a file. Call it in a transaction."""
    competition = made.competition
    made.asked_by = by
    made.save(force_insert=True)
    audit.record(audit.Act.SNAPSHOT_ASKED, competition, by=by)
    queue.post()
    return made


def go_on(*, seconds: float) -> None:
    """Make the files that are due, for some seconds. One that breaks stops no other."""
    until = time.monotonic() + seconds
    add_due()
    while (snapshot := claimed()) and make(snapshot) and time.monotonic() < until:
        pass


def add_due() -> None:
    """Note each published result that has no file for the present versions of its boards."""
    public = BoardVersion.objects.filter(competition=OuterRef("pk"), board=Board.PUBLIC)
    private = BoardVersion.objects.filter(competition=OuterRef("pk"), board=Board.PRIVATE)
    both = Concat(
        Subquery(public.values("token")[:1]), Value(" "), Subquery(private.values("token")[:1])
    )
    published = Competition.objects.filter(state=Competition.State.PUBLISHED)
    # The last ranges are told in it: see `ranges.due`.
    with_ranges = published.filter(
        Q(ranged__at__gte=F("published_at")), ~Q(dataset=None), ~Q(calibration=None)
    )
    noted = Snapshot.objects.filter(competition=OuterRef("pk"), versions=OuterRef("both"))
    for key, tokens in (
        with_ranges.annotate(both=both)
        .filter(~Exists(noted.filter(is_final=True)))
        .order_by()
        .values_list("pk", "both")
    ):
        Snapshot.objects.bulk_create(
            [Snapshot(competition_id=key, is_final=True, versions=tokens)], ignore_conflicts=True
        )


def claimed() -> Snapshot | None:
    """The oldest file to be made, by compare-and-swap on its beginning."""
    now = timezone.now()
    free = Q(begun_at=None) | Q(begun_at__lt=now - PATIENCE)
    waiting = Snapshot.objects.filter(free, made_at=None, broke=False)
    for snapshot in waiting.order_by("asked_at", "pk").select_related(
        "competition__dataset",
        "competition__profile",
        "competition__calibration__reference",
        "competition__calibration__answers",
    ):
        if waiting.filter(pk=snapshot.pk).update(begun_at=now):
            return snapshot
    return None


def make(snapshot: Snapshot) -> bool:
    """Write, sign and store a file. Returns False if it could not be made, which is logged. It is
    tried again if a board changed meanwhile, as by a merge or a new name."""
    rows = Snapshot.objects.filter(pk=snapshot.pk, made_at=None)
    before = both_versions(snapshot.competition)
    try:
        found = written(snapshot)
    except Exception:
        logger.exception("%s could not be made", snapshot)
        if both_versions(snapshot.competition) == before:
            rows.update(broke=True)
        else:
            rows.update(begun_at=None)
        return False
    if snapshot.is_final and both_versions(snapshot.competition) != snapshot.versions:
        rows.delete()  # a board changed meanwhile: `add_due` notes the new one
        return True
    rows.update(**found)
    return True


def written(snapshot: Snapshot) -> dict[str, object]:
    """The columns of a file that is made."""
    key, private = signing.current()
    told = snapshot_contents.of(
        snapshot.competition,
        is_final=snapshot.is_final,
        is_provisional=snapshot.is_provisional,
    )
    with tempfile.TemporaryDirectory(prefix="featherweight-") as folder:
        path = Path(folder) / "snapshot.json"
        with path.open("wb") as target:
            sha256 = canonical.write(told, private, target)
        name = files.keep_path(
            path, sha256=files.sha256_of(path), folder="snapshots", suffix=".json"
        )
        size = path.stat().st_size
    return {
        "made_at": timezone.now(),
        "file": name,
        "sha256": sha256,
        "size_bytes": size,
        "key": key,
    }


def both_versions(competition: Competition) -> str:
    """The versions of the two boards, as `add_due` notes them."""
    return " ".join(versions.of(competition, board) for board in (Board.PUBLIC, Board.PRIVATE))
