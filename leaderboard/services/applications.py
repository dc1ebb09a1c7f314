"""People apply to take part in a competition. Its organizers accept or refuse them."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.errors import Conflict, Refused
from leaderboard.models import Application, Competition, User
from leaderboard.services import audit, bans, events, locks, organizers, teams
from leaderboard.services.audit import Act
from leaderboard.services.events import Event

State = Application.State
LONGEST_ANSWER = 2000


@transaction.atomic
def apply(*, competition: Competition, answers: Sequence[str], by: User) -> Application:
    """Ask to take part, with an answer to each question in their order.

    While the application waits, another one replaces its answers.
    """
    competition = locks.share(competition)
    check_applicable(competition, by)
    told = checked(competition, answers)
    application, is_new = Application.objects.get_or_create(
        competition=competition, user=by, defaults={"answers": told}
    )
    if not is_new:
        application = locks.lock(application)
        if application.state != State.WAITING:
            raise Conflict(
                gettext("The organizers have already decided about your application."),
                code="application_decided",
            )
        application.answers = told
        application.applied_at = timezone.now()
        application.save(update_fields=["answers", "applied_at"])
    else:
        events.tell(Event.APPLIED, competition, application=application.pk)
    return application


def check_applicable(competition: Competition, person: User) -> None:
    """Raises `Refused` unless the competition takes applications, and this person may apply."""
    teams.check_forming(competition)
    bans.check(competition, person)
    if competition.admission != Competition.Admission.APPROVAL:
        raise Conflict(
            gettext("This competition does not accept applications."), code="no_applications"
        )


def checked(competition: Competition, answers: Sequence[str]) -> list[dict[str, str]]:
    """Each question with its answer. Raises `Refused` if one is missing or too long."""
    asked = competition.question_list
    given = [answer.strip() for answer in answers]
    if len(given) != len(asked) or not all(given):
        raise Refused(
            gettext("Answer each question. Questions: %(count)d.") % {"count": len(asked)},
            code="answers_missing",
        )
    if any(len(one) > LONGEST_ANSWER for one in given):
        raise Refused(
            gettext("An answer has at most %(longest)d characters.") % {"longest": LONGEST_ANSWER},
            code="answer_too_long",
        )
    return [{"question": q, "answer": a} for q, a in zip(asked, given, strict=True)]


@transaction.atomic
def accept(*, application: Application, by: User) -> None:
    """Let the applicant take part."""
    decide(application, State.ACCEPTED, "", by=by)


@transaction.atomic
def refuse(*, application: Application, reason: str, by: User) -> None:
    """Keep the applicant out, with a reason that the applicant reads."""
    reason = reason.strip()[:300]
    if not reason:
        raise Refused(gettext("Give a reason. The applicant reads it."), code="reason_missing")
    decide(application, State.REFUSED, reason, by=by)


def decide(application: Application, state: State, reason: str, *, by: User) -> None:
    """Write a decision, which may be another one than before, and tell the applicant."""
    organizers.check_organizer(by, application.competition)
    row = locks.lock(application)
    if row.state == state:
        raise Conflict(
            gettext("This application is already decided: %(state)s.")
            % {"state": row.get_state_display().lower()},
            code="application_decided",
        )
    if state == State.REFUSED and teams.of(row.user, row.competition):
        raise Conflict(
            gettext("%(person)s is already in a team. Ban the person instead.")
            % {"person": row.user},
            code="already_in_a_team",
        )
    was = audit.state(row, "state")
    row.state, row.reason = state, reason
    row.decided_by, row.decided_at = by, timezone.now()
    row.save(update_fields=["state", "reason", "decided_by", "decided_at"])
    act = Act.APPLICATION_ACCEPTED if state == State.ACCEPTED else Act.APPLICATION_REFUSED
    audit.record(act, row, by=by, before=was, after={"state": state}, why=reason)
    events.tell(Event.APPLICATION_DECIDED, row.competition, application=row.pk)
