"""An upload becomes a submission. Later decisions about it, such as a withdrawal, have a date."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.files import File
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard import bodies, sentences
from leaderboard.errors import (
    BadModel,
    CompetitionNotOpen,
    Conflict,
)
from leaderboard.models import Ban, Competition, Evaluation, Submission, Team, User
from leaderboard.services import (
    audit,
    bans,
    competitions,
    events,
    files,
    locks,
    organizers,
    placing,
    queueing,
    quotas,
    reasons,
    teams,
)
from leaderboard.services.audit import Act
from leaderboard.services.events import Event
from leaderboard.services.quotas import Quota
from scoring import Rejected, formats
from scoring.formats import Inspection

waiters = threading.BoundedSemaphore(settings.LONG_POLLS)
"""Requests of this process that wait for the end of an evaluation or a trial."""
DECISION = ["disqualified_at", "disqualified_reason", "reinstated_reason"]
"""The fields of an organizer's decision."""


@dataclass(frozen=True)
class Receipt:
    """The result of an upload. `is_new` is False if the team had sent this model before."""

    submission: Submission
    is_new: bool


def check_size(size: int, *, slug: str) -> None:
    """Raises `TooLarge` for a body that is larger than any upload to this competition."""
    named = Competition.objects.public().filter(slug=slug)
    most = named.values_list("max_upload_bytes", flat=True).first()
    if most is None:
        bodies.check_form(size)
    elif size > most + bodies.FORM_BYTES:
        raise files.too_large(size, most)


def expect(*, competition: Competition, by: User, idempotency_key: str | None = None) -> Team:
    """The team that a person uploads for, before the body is read.

    Raises `Refused` by those rules of `submit` that need no file.
    """
    team = teams.own(by, competition)
    if not was_used(team, idempotency_key):
        check_allowed(competition, team, by=by)
    return team


def submit(
    *,
    competition: Competition,
    team: Team,
    upload: File[bytes],
    by: User,
    door: str,
    note: str = "",
    branch: str = "",
    idempotency_key: str | None = None,
) -> Receipt:
    """Accept one upload and queue its first evaluation. Raises `Refused`, and stores nothing then.

    The rules stand in order of cost. The same model by the same team returns the first submission
    and uses no quota. A repeated `idempotency_key` does the same.
    """
    if not was_used(team, idempotency_key):
        check_open(competition)
    with files.received(upload, max_bytes=competition.max_upload_bytes) as file:
        found = checked(file, competition)
        new = Submission(
            competition=competition,
            team=team,
            uploaded_by=by,
            door=door,
            note=note[:200],
            branch=branch[:200],
            idempotency_key=idempotency_key,
            **described(file, found),
        )
        # `accept` asks the same under the locks. Here it keeps a refused file from being stored.
        if earlier := sent_before(new, by=by):
            return Receipt(earlier, is_new=False)
        check(new, by=by)
        new.file = files.keep(file, folder="models", suffix=found.format.endings[0])
    return accept(new, by=by)


def described(file: files.Received, found: Inspection) -> dict[str, Any]:
    """The columns that describe a file and its model. The model is not run."""
    return {
        "file_name": file.name[:200],
        "sha256": file.sha256,
        "content_sha256": found.content_sha256 or "",
        "size_bytes": file.size_bytes,
        "static": found.model.to_json(),
        "format": found.format.name,
        "number_type": formats.number_type(found.model.dtypes)[:60],
        "parameters": found.model.parameters,
        "structure": found.model.structure,
    }


@transaction.atomic
def accept(new: Submission, *, by: User) -> Receipt:
    """Save a new submission and queue its first evaluation, unless a rule forbids it by now."""
    # The shared lock keeps the competition as it is, and lets other teams in. The team's own lock
    # keeps two uploads of one team from both taking the last slot.
    new.competition, new.team = locks.share(new.competition), locks.lock(new.team)
    if earlier := sent_before(new, by=by):
        return Receipt(earlier, is_new=False)
    allowance = check(new, by=by)
    new.extra_id = allowance.further.pk if allowance.further else None
    if allowance.left == 1 and allowance.resets_at:  # this upload is the last one
        events.tell(Event.QUOTA_USED, new.team, due_at=allowance.resets_at)
    new.uploaded_at = timezone.now()
    new.is_late = not new.competition.accepts_uploads
    new.save(force_insert=True)
    sent = Team.objects.filter(pk=new.team_id)
    sent.update(sent=F("sent") + 1, last_sent_at=new.uploaded_at)
    queueing.enqueue(competition=new.competition, submission=new)
    return Receipt(new, is_new=True)


def check(new: Submission, *, by: User) -> Quota:
    """What the team has left before a new submission. Raises `Refused` if a rule forbids it."""
    check_allowed(new.competition, new.team, by=by)
    return quotas.check(new.team, new.competition)


def check_allowed(competition: Competition, team: Team, *, by: User) -> None:
    """Raises `Refused` while uploads are closed, and for a banned team or person."""
    check_open(competition)
    if ban := Ban.objects.against(by, competition, team):
        raise bans.refusal(ban)


def inspect(file: files.Received, competition: Competition) -> Inspection:
    """What the gate finds in a model file. Raises `BadModel` with the gate's code."""
    try:
        return formats.inspect(
            file.path,
            default=competition.input_spec(),
            bounds=competition.input_bounds(),
            max_unpacked_bytes=competition.limits().unpacked_bytes,
            device=competition.profile.plan().device,
            with_content_hash=True,
        )
    except Rejected as error:
        raise BadModel(sentences.message(error.said), code=error.code) from error


def checked(file: files.Received, competition: Competition) -> Inspection:
    """What the gate finds in an upload of a team. Raises `BadModel`, also for a known format that
    the competition does not take."""
    found = inspect(file, competition)
    if found.format.name not in competition.formats:
        raise BadModel(
            gettext(
                "The file is a model in the format %(format)s. This competition accepts "
                "these formats: %(taken)s. Export the model in one of them."
            )
            % {"format": found.format.title, "taken": competition.format_titles()},
            code="format_not_taken",
        )
    return found


def was_used(team: Team, idempotency_key: str | None) -> bool:
    """Whether this is a retry. Its first answer was lost, so it is answered even after the end."""
    if not idempotency_key:
        return False
    return team.submissions.filter(idempotency_key=idempotency_key).exists()


def sent_before(new: Submission, *, by: User) -> Submission | None:
    """The team's earlier submission of the same model; None if it ended by a fault of ours.

    Raises `NotAMember`, and `Conflict` if the idempotency key was used for another model.
    """
    team, content_sha256 = new.team, new.content_sha256
    if not team.has_member(by):  # a person may leave the team while the file is read
        raise teams.not_a_member(team)
    if new.idempotency_key:
        earlier = team.submissions.filter(idempotency_key=new.idempotency_key).first()
        if earlier and earlier.content_sha256 != content_sha256:
            raise Conflict(
                gettext(
                    "This Idempotency-Key was used for another model. Use a new key for a new "
                    "upload."
                ),
                code="idempotency_key_reused",
            )
        if earlier:
            return earlier
    unjudged = [Evaluation.State.ERROR, Evaluation.State.CANCELLED]
    verdict = Evaluation.objects.filter(submission=OuterRef("pk")).exclude(state__in=unjudged)
    return (
        team.submissions.filter(Exists(verdict), content_sha256=content_sha256, withdrawn_at=None)
        .order_by("uploaded_at")
        .first()
    )


def quota(team: Team, competition: Competition, *, now: datetime | None = None) -> Quota:
    """What the team has left of its uploads."""
    return quotas.of(team, competition, now=now)


def is_counted(submission: Submission) -> bool:
    """Whether a submission uses quota. Its first evaluation decides.

    It uses none if that evaluation ended by a fault of ours, or was cancelled before a worker took
    it.
    """
    first = submission.first_evaluation
    was_cancelled = first.state == Evaluation.State.CANCELLED and first.claimed_at is None
    return first.state != Evaluation.State.ERROR and not was_cancelled


def await_verdict(submission: Submission, *, seconds: float) -> None:
    """Wait until nothing of the submission is queued or running, at most for `seconds`."""
    await_none(submission.evaluations.unfinished(), seconds=seconds)


def await_none(rows: QuerySet[Any], *, seconds: float) -> None:
    """Wait until there are no such rows, at most for `seconds`.

    A sleeping request holds no transaction and no connection. At most LONG_POLLS requests of a
    process wait at once. Any more return at once, so that requests that wait keep nobody out.
    """
    if not waiters.acquire(blocking=False):
        return
    try:
        deadline = time.monotonic() + seconds
        while rows.all().exists():
            left = deadline - time.monotonic()
            if left <= 0:
                return
            if not connection.in_atomic_block:
                connection.close()
            time.sleep(min(0.5, left))
    finally:
        waiters.release()


@transaction.atomic
def withdraw(*, submission: Submission, by: User) -> None:
    """Take a submission off the boards. The quota that it used stays used."""
    teams.check_member(submission.team, by)
    competitions.check_unpublished(locks.lock(submission.competition))
    if submission.withdrawn_at is not None:
        return
    submission.withdrawn_at = timezone.now()
    submission.selected_at = None
    submission.save(update_fields=["withdrawn_at", "selected_at"])
    queueing.cancel_queued(submission)
    Evaluation.every.filter(submission=submission, is_hidden=True).cancel()
    audit.record(Act.SUBMISSION_WITHDRAWN, submission, by=by)
    placing.place(submission.team)


def annotate(*, submission: Submission, note: str, by: User) -> None:
    """Change the note, which only the team and organizers read."""
    teams.check_member(submission.team, by)
    submission.note = note.strip()[:200]
    submission.save(update_fields=["note"])


@transaction.atomic
def disqualify(*, submission: Submission, reason: str, by: User) -> None:
    """Take a submission off the boards as an organizer, with a reason that its team can read."""
    organizers.check_organizer(by, submission.competition)
    why = reasons.given(reason)
    locks.lock(submission.competition)
    submission = locks.lock(submission)
    if submission.disqualified_at is not None:
        raise Conflict(
            gettext("This submission is already disqualified."), code="disqualified_already"
        )
    submission.disqualified_at = timezone.now()
    submission.disqualified_reason, submission.reinstated_reason = why, ""
    submission.save(update_fields=DECISION)
    audit.record(Act.SUBMISSION_DISQUALIFIED, submission, by=by, why=why)
    tell_decision(submission, "disqualified", why)
    placing.place(submission.team)


@transaction.atomic
def reinstate(*, submission: Submission, reason: str, by: User) -> None:
    """Let a disqualified submission count again, with a reason that its team can read."""
    organizers.check_organizer(by, submission.competition)
    why = reasons.given(reason)
    locks.lock(submission.competition)
    submission = locks.lock(submission)
    if submission.disqualified_at is None:
        raise Conflict(gettext("This submission is not disqualified."), code="not_disqualified")
    was = {"disqualified": submission.disqualified_reason}
    submission.disqualified_at = None
    submission.disqualified_reason, submission.reinstated_reason = "", why
    submission.save(update_fields=DECISION)
    audit.record(Act.SUBMISSION_REINSTATED, submission, by=by, before=was, why=why)
    tell_decision(submission, "reinstated", why)
    placing.place(submission.team)


def tell_decision(submission: Submission, change: str, reason: str) -> None:
    team, number = submission.team, submission.pk
    events.tell(Event.TEAM_CHANGED, team, change=change, submission=number, reason=reason)


def check_open(competition: Competition) -> None:
    state = competition.state
    if state == Competition.State.PAUSED:
        raise CompetitionNotOpen(paused(competition))
    if state == Competition.State.DRAFT:
        raise CompetitionNotOpen(gettext("This competition has not opened yet."))
    if not competition.takes_uploads:
        raise CompetitionNotOpen(gettext("This competition has ended. It accepts no more uploads."))


def paused(competition: Competition) -> str:
    """A sentence that uploads are paused, with the reason of the organizers if there is one."""
    if not competition.pause_message:
        return gettext("Uploads are paused. Queued submissions are still evaluated.")
    facts = {"reason": competition.pause_message}
    return (
        gettext("Uploads are paused: %(reason)s. Queued submissions are still evaluated.") % facts
    )
