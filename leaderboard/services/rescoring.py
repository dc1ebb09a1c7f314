"""A rescore: another formula or another measuring for a competition that runs, as one set.

It is proposed with a reason. Its public board is prepared in the background, from stored quality
and time, or from what is measured again (`remeasuring`). This preview is for organizers only.
Verdicts that come meanwhile are prepared, too. An organizer applies the whole of it, or cancels it.
Applying switches the board and the formula at once. The scores of older evaluations follow in
batches (`revealing.follow`).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.errors import Conflict, Refused
from leaderboard.models import (
    Competition,
    Entry,
    Evaluation,
    Moved,
    NextEntry,
    Rescore,
    User,
)
from leaderboard.models.rescore import FORMULA_FIELDS, MEASURED_FIELDS
from leaderboard.services import (
    audit,
    competitions,
    conditions,
    events,
    formulas,
    locks,
    organizers,
    placing,
    preparing,
    ranges,
    remeasuring,
    tracks,
    versions,
)
from leaderboard.services.audit import Act
from leaderboard.services.events import Event

State = Rescore.State
WITH = tuple(f"{one}{name}" for one in ("", "was_") for name in MEASURED_FIELDS)
"""What the words of a rescore name."""


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
            gettext("This is the current formula. Change a number first."),
            code="formula_unchanged",
        )
    measured = competition.calibrated_quality
    rescore.now_quality_ref = measured if rescore.quality_ref is None else rescore.quality_ref
    write(rescore, competition, by)
    preparing.begin(competition, rescore=rescore)
    write_down(Act.RESCORE_PROPOSED, rescore, by)


def measure_again(*, rescore: Rescore, by: User) -> Rescore:
    """Begin to measure again by the dataset, reference and profile of an unsaved row; what is empty
    stays as it is."""
    organizers.check_organizer(by, rescore.competition)
    begin_measuring(rescore, by)
    return rescore


@transaction.atomic
def begin_measuring(rescore: Rescore, by: User) -> None:
    competition = locks.lock(rescore.competition)
    check_open(competition)
    preparing.check_none(competition)
    for name in MEASURED_FIELDS:
        setattr(rescore, f"was_{name}", getattr(competition, name))
        if getattr(rescore, f"{name}_id") is None:
            setattr(rescore, name, getattr(competition, name))
    rescore.was_calibration = competition.calibration
    rescore.was_measured_since = competition.measured_since
    for name in FORMULA_FIELDS:
        setattr(rescore, name, getattr(competition, name))
    check_terms(rescore, competition)
    rescore.kind, rescore.state = Rescore.Kind.MEASURED, State.MEASURING
    write(rescore, competition, by)
    remeasuring.begin(rescore)
    write_down(Act.RESCORE_PROPOSED, rescore, by)


def check_terms(rescore: Rescore, competition: Competition) -> None:
    """Raises `Refused` for data of other classes, and for another competition's reference."""
    assert rescore.dataset
    assert rescore.reference
    if rescore.dataset.classes != competition.classes:
        raise Refused(
            gettext("%(dataset)s has other classes than this competition, or another order.")
            % {"dataset": rescore.dataset},
            code="wrong_classes",
        )
    if rescore.reference.competition_id != competition.pk:
        raise Refused(
            gettext("This reference model belongs to another competition. Upload it here."),
            code="wrong_reference",
        )
    coming = copy.copy(competition)
    coming.reference = rescore.reference
    conditions.check_reference(coming)


def write(rescore: Rescore, competition: Competition, by: User) -> None:
    """Save a new rescore, with the formula of before. Raises `Refused` for wrong numbers."""
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


def check_numbers(rescore: Rescore) -> None:
    """Raises `Refused` for infinity and for what is no number: validators let both pass."""
    numbers = [rescore.time_weight, rescore.k, rescore.min_quality, rescore.quality_ref or 0.0]
    if not all(map(math.isfinite, numbers)):
        raise Refused(
            gettext("These numbers cannot be used. Write finite numbers."), code="bad_formula"
        )


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
    if rescore.is_measured:
        remeasuring.go_on(rescore, seconds=preparing.AT_ONCE)  # what was scored meanwhile
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
    if rescore.is_measured:
        remeasuring.check_complete(rescore, competition)
    preparation = rescore.preparation
    if preparing.needs_teams(preparation):
        raise Conflict(
            gettext("The preview is not complete yet. Wait until all teams are prepared."),
            code="boards_in_preparation",
        )
    keep_moves(rescore, tracks.boards(competition, Entry.Board.PUBLIC))
    placing.take_next(competition)
    for name in FORMULA_FIELDS:
        setattr(competition, name, getattr(rescore, name))
    competition.formula_version += 1
    if rescore.is_measured:
        remeasuring.switch(rescore, competition)
    competition.save(update_fields=[*FORMULA_FIELDS, "formula_version", *formulas.TERMS])
    if not rescore.is_measured:
        formulas.follow_organizers(competition)
    # Ranges of the former board. New ones are computed in the background.
    ranges.forget(competition)
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
    # First, because it waits for a sweep that queues more of it in this moment.
    decide(rescore, State.CANCELLED, by)
    remeasuring.hidden(rescore).cancel()
    write_down(Act.RESCORE_CANCELLED, rescore, by)


def check_waiting(rescore: Rescore) -> None:
    """Raises `Conflict` if a rescore is decided. Call it under the lock of the competition."""
    rescore.refresh_from_db()
    if not rescore.is_open:
        raise Conflict(
            gettext("This rescore is already %(state)s.")
            % {"state": rescore.get_state_display().lower()},
            code="rescore_decided",
        )


def decide(rescore: Rescore, state: str, by: User, *, version: int | None = None) -> None:
    rescore.state, rescore.version = state, version
    rescore.decided_by, rescore.decided_at = by, timezone.now()
    rescore.save(update_fields=["state", "version", "decided_by", "decided_at"])


def write_down(act: Act, rescore: Rescore, by: User, **more: Any) -> None:
    """Record an act in the audit log, with what is before and after the rescore."""
    before, after = asdict(rescore.before), asdict(rescore.after)
    if rescore.is_measured:
        before |= {name: str(getattr(rescore, f"was_{name}")) for name in MEASURED_FIELDS}
        after |= {name: str(getattr(rescore, name)) for name in MEASURED_FIELDS}
        after |= {"scope": rescore.scope, "keeps_failed": rescore.keeps_failed}
    audit.record(act, rescore, by=by, before=before, after=after | more, why=rescore.why)


@transaction.atomic
def pause(*, rescore: Rescore, by: User) -> None:
    """Let workers begin nothing more of it. What runs ends."""
    change(rescore, by, Act.RESCORE_PAUSED, paused_at=timezone.now())


@transaction.atomic
def resume(*, rescore: Rescore, by: User) -> None:
    change(rescore, by, Act.RESCORE_RESUMED, paused_at=None)


@transaction.atomic
def retry(*, rescore: Rescore, by: User) -> int:
    """Measure once more what has failed. Returns how many evaluations were queued."""
    competition = change(rescore, by, Act.RESCORE_RETRIED)
    return remeasuring.retry(rescore, competition)


@transaction.atomic
def judge_failures(*, rescore: Rescore, keeps_failed: bool, by: User) -> None:
    """Let submissions that failed keep their old scores, or lose them. The preview follows."""
    competition = change(rescore, by, Act.RESCORE_FAILURES_JUDGED, keeps_failed=keeps_failed)
    if preparing.stop(competition):
        preparing.begin(competition, rescore=rescore)


def change(rescore: Rescore, by: User, act: Act, **fields: Any) -> Competition:
    """Write fields of a rescore that measures and is not decided. Returns the locked
    competition."""
    organizers.check_organizer(by, rescore.competition)
    competition = locks.lock(rescore.competition)
    check_waiting(rescore)
    if not rescore.is_measured:
        raise Conflict(
            gettext("This rescore measures nothing: it only changes the formula."),
            code="rescore_measures_nothing",
        )
    was = {name: getattr(rescore, name) for name in fields}
    for name, value in fields.items():
        setattr(rescore, name, value)
    rescore.save(update_fields=list(fields))
    audit.record(act, rescore, by=by, before=was, after=fields)
    return competition


def keep_moves(rescore: Rescore, boards: Collection[str]) -> None:
    """Keep public boards of this moment beside the prepared ones. No later board tells either of
    them.

    Call it under the lock of the competition, before the switch.
    """
    now, coming, kept = (one._meta.db_table for one in (Entry, NextEntry, Moved))
    written = ["submission_id", "is_ranked", "score", "score_half_width", "uploaded_at"]
    before = [f"was_{name}" for name in written]
    names = ", ".join(["rescore_id", "board", "team_id", "entry_id", *before, *written])
    values = ", ".join(
        [f"e.{name}" for name in written] + [f"COALESCE(n.{name}, e.{name})" for name in written]
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {kept} ({names}) SELECT %s, e.board, e.team_id, e.id, {values} "  # noqa: S608
            f"FROM {now} e LEFT JOIN {coming} n ON n.team_id = e.team_id AND n.board = e.board "
            f"WHERE e.competition_id = %s AND e.board IN ({', '.join(['%s'] * len(boards))})",
            [rescore.pk, rescore.competition_id, *boards],
        )


def of(competition: Competition) -> QuerySet[Rescore]:
    """The rescores of a competition that participants may know of, the newest first."""
    rows = Rescore.objects.applied().filter(competition=competition)
    return rows.select_related(*WITH).order_by("-version")


def latest(competition: Competition) -> Rescore | None:
    """The rescore that made the formula of today; None for the first formula."""
    return of(competition).first() if competition.formula_version > 1 else None


@dataclass(frozen=True)
class Former:
    """The score that an evaluation had before a rescore."""

    rescore: Rescore
    score: float


def since(evaluation: Evaluation) -> list[Former]:
    """The rescores after a verdict, the newest first, each with the public score before it.

    Before a rescore that measured again, the figures are those of the earlier measuring.
    """
    found: list[Former] = []
    one: Evaluation | None = evaluation
    if evaluation.competition.formula_version == 1 or evaluation.quality_public is None:
        return found
    for rescore in of(evaluation.competition):
        if one and rescore.pk == one.rescore_id:
            one = before(one)
        elif rescore.is_measured or not is_after(rescore, one):
            continue  # it did not change this score
        if one is None or one.quality_public is None or one.time_ratio is None:
            break
        found.append(Former(rescore, rescore.before.score(one.quality_public, one.time_ratio)))
    return found


def is_after(rescore: Rescore, evaluation: Evaluation | None) -> bool:
    at = evaluation.finished_at if evaluation else None
    return bool(at and rescore.decided_at and rescore.decided_at > at)


def before(evaluation: Evaluation) -> Evaluation | None:
    """The last verdict of a submission by the terms before those of an evaluation."""
    assert evaluation.submission
    rows = evaluation.submission.evaluations.filter(state=Evaluation.State.SCORED)
    earlier = rows.exclude(rescore__gte=evaluation.rescore_id)
    return earlier.order_by(F("rescore_id").asc(nulls_first=True), "finished_at", "pk").last()


def waiting(competition: Competition) -> Rescore | None:
    """The rescore that waits for a decision; None if there is none."""
    return Rescore.objects.filter(competition=competition, state__in=Rescore.OPEN).first()
