"""A rescore: another formula for a competition that runs, as one set.

It is proposed with a reason. Its public board is prepared in the background, from stored quality
and time. This preview is for organizers only. Verdicts that come meanwhile are prepared, too. An
organizer applies the whole of it, or cancels it. Applying switches the board and the formula at
once. The scores of older evaluations follow in batches (`formulas.follow`).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.errors import Conflict, Refused
from leaderboard.models import (
    Competition,
    Entry,
    Evaluation,
    Moved,
    NextEntry,
    RankRange,
    Rescore,
    User,
)
from leaderboard.models.rescore import FORMULA_FIELDS
from leaderboard.services import (
    audit,
    competitions,
    events,
    formulas,
    locks,
    organizers,
    placing,
    preparing,
    versions,
)
from leaderboard.services.audit import Act
from leaderboard.services.events import Event

State = Rescore.State


def propose(*, rescore: Rescore, by: User) -> Rescore:
    """Begin the preview of a new formula, the fields of an unsaved row.

    With few teams the preview is complete when this returns.
    """
    organizers.check_organizer(by, rescore.competition)
    begin(rescore, by)
    preparing.go_on(rescore.competition, seconds=preparing.AT_ONCE)
    return rescore


@transaction.atomic
def begin(rescore: Rescore, by: User) -> None:
    competition = locks.lock(rescore.competition)
    check_open(competition)
    preparing.check_none(competition)
    if all(getattr(rescore, name) == getattr(competition, name) for name in FORMULA_FIELDS):
        raise Refused(
            gettext("This is the formula of today. Change a number first."),
            code="formula_unchanged",
        )
    before = formulas.of(competition)
    for name in FORMULA_FIELDS:
        setattr(rescore, f"was_{name}", getattr(before, name))
    rescore.why = rescore.why.strip()
    rescore.proposed_by, rescore.proposed_at = by, timezone.now()
    check_numbers(rescore)
    try:
        rescore.full_clean(exclude=["proposed_by"])
    except ValidationError as error:
        raise Refused(" ".join(error.messages), code="bad_formula") from error
    rescore.save(force_insert=True)
    preparing.begin(competition, rescore=rescore)
    write_down(Act.RESCORE_PROPOSED, rescore, by)


def check_numbers(rescore: Rescore) -> None:
    """Raises `Refused` for infinity and for what is no number: validators let both pass."""
    numbers = [rescore.time_weight, rescore.k, rescore.min_quality, rescore.quality_ref or 0.0]
    if not all(map(math.isfinite, numbers)):
        raise Refused(gettext("Write numbers that can be calculated with."), code="bad_formula")


def check_open(competition: Competition) -> None:
    """Raises `Conflict` unless a competition has opened and is not published."""
    competitions.check_unpublished(competition)
    if not competition.is_public:
        raise Conflict(
            gettext("A draft has no scores yet. Edit its formula instead."),
            code="wrong_competition_state",
        )


def apply(*, rescore: Rescore, by: User) -> None:
    """Show the board of a preview to everybody, and have all scores follow."""
    organizers.check_organizer(by, rescore.competition)
    preparing.go_on(rescore.competition, seconds=preparing.AT_ONCE)  # teams that are new
    switch(rescore, by)
    preparing.go_on(rescore.competition, seconds=preparing.AT_ONCE)
    rescore.refresh_from_db()


@transaction.atomic
def switch(rescore: Rescore, by: User) -> None:
    """Show the prepared board. It writes the entries that change, and no evaluation of a team."""
    competition = locks.lock(rescore.competition)
    check_waiting(rescore)
    check_open(competition)
    preparation = rescore.preparation
    if preparing.needs_teams(preparation):
        raise Conflict(
            gettext("The preview is not complete yet. Wait until all teams are prepared."),
            code="boards_in_preparation",
        )
    keep_moves(rescore)
    placing.take_next(competition)
    for name in FORMULA_FIELDS:
        setattr(competition, name, getattr(rescore, name))
    competition.formula_version += 1
    competition.save(update_fields=[*FORMULA_FIELDS, "formula_version"])
    formulas.follow_calibrations(competition)
    # Ranges of the former board. New ones are computed in the background.
    RankRange.objects.filter(team__competition=competition).delete()
    decide(rescore, State.APPLIED, by, version=competition.formula_version)
    preparation.through = preparation.done = 0
    preparation.save()
    write_down(Act.RESCORE_APPLIED, rescore, by)
    events.tell(Event.RESCORED, competition, rescore=rescore.pk)
    versions.change(competition.pk)


@transaction.atomic
def cancel(*, rescore: Rescore, by: User) -> None:
    """Drop a preview. The boards stay as everybody sees them."""
    organizers.check_organizer(by, rescore.competition)
    competition = locks.lock(rescore.competition)
    check_waiting(rescore)
    preparing.stop(competition)
    decide(rescore, State.CANCELLED, by)
    write_down(Act.RESCORE_CANCELLED, rescore, by)


def check_waiting(rescore: Rescore) -> None:
    """Raises `Conflict` if a rescore is decided. Call it under the lock of the competition."""
    rescore.refresh_from_db()
    if rescore.state != State.PREVIEW:
        raise Conflict(
            gettext("This rescore is %(state)s already.")
            % {"state": rescore.get_state_display().lower()},
            code="rescore_decided",
        )


def decide(rescore: Rescore, state: str, by: User, *, version: int | None = None) -> None:
    rescore.state, rescore.version = state, version
    rescore.decided_by, rescore.decided_at = by, timezone.now()
    rescore.save(update_fields=["state", "version", "decided_by", "decided_at"])


def write_down(act: Act, rescore: Rescore, by: User) -> None:
    """Record an act in the audit log, with both formulas."""
    before, after = asdict(rescore.before), asdict(rescore.after)
    audit.record(act, rescore, by=by, before=before, after=after, why=rescore.why)


def keep_moves(rescore: Rescore) -> None:
    """Keep the board of this moment beside the prepared one. No later board tells either of them.

    Call it under the lock of the competition, before the switch.
    """
    now, coming, kept = (one._meta.db_table for one in (Entry, NextEntry, Moved))
    written = ["submission_id", "is_ranked", "score", "score_half_width", "uploaded_at"]
    before = [f"was_{name}" for name in written]
    names = ", ".join(["rescore_id", "team_id", "entry_id", *before, *written])
    values = ", ".join(
        [f"e.{name}" for name in written] + [f"COALESCE(n.{name}, e.{name})" for name in written]
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {kept} ({names}) SELECT %s, e.team_id, e.id, {values} FROM {now} e "  # noqa: S608
            f"LEFT JOIN {coming} n ON n.team_id = e.team_id "
            "WHERE e.competition_id = %s AND e.board = %s",
            [rescore.pk, rescore.competition_id, Entry.Board.PUBLIC],
        )


def of(competition: Competition) -> QuerySet[Rescore]:
    """The rescores of a competition that participants may know of, the newest first."""
    rows = Rescore.objects.applied().filter(competition=competition)
    return rows.select_related("competition__calibration").order_by("-version")


def latest(competition: Competition) -> Rescore | None:
    """The rescore that made the formula of today; None for the first formula."""
    return of(competition).first() if competition.formula_version > 1 else None


@dataclass(frozen=True)
class Former:
    """The score that an evaluation had before a rescore."""

    rescore: Rescore
    score: float


def since(evaluation: Evaluation) -> list[Former]:
    """The rescores after a verdict, the newest first, with its public score before each."""
    quality, ratio = evaluation.quality_public, evaluation.time_ratio
    if evaluation.competition.formula_version == 1 or quality is None or ratio is None:
        return []
    rescores = of(evaluation.competition).filter(decided_at__gt=evaluation.finished_at)
    return [Former(one, one.before.score(quality, ratio)) for one in rescores]


def waiting(competition: Competition) -> Rescore | None:
    """The rescore that waits for a decision; None if there is none."""
    return Rescore.objects.filter(competition=competition, state=State.PREVIEW).first()
