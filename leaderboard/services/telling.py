"""What happened becomes notices and calls to webhooks.

Each `Happening` is told once, in the transaction that deletes it.

It runs where mail is sent, not where models are measured: a worker may not read who is in a team.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from leaderboard.models import (
    Application,
    Competition,
    Entry,
    Evaluation,
    Happening,
    MergeOffer,
    Notice,
    Rescore,
    Role,
    Team,
    User,
)
from leaderboard.services import (
    announcements,
    captains,
    events,
    notices,
    questions,
    rankings,
    submissions,
    webhooks,
)
from leaderboard.services.events import Event

logger = logging.getLogger(__name__)
Kind = Notice.Kind
State = Evaluation.State
RETRY_AFTER = timedelta(minutes=5)
SOON = timedelta(days=1)
MOST_INVITED = 10
"""Most people whom a team, or a member, can tell of an invitation within 24 hours."""
ASK_AGAIN = timedelta(hours=1)
NEAREST = 20
"""The teams below a team's new place that are told that it overtook them: the nearest ones."""


def go_on(*, seconds: float) -> None:
    """Tell what happened, for some seconds."""
    until = time.monotonic() + seconds
    while step() and time.monotonic() < until:
        pass


def sweep() -> None:
    """Find the ends that are near, and delete old notices."""
    tell_ends()
    notices.forget()


def step() -> bool:
    """Tell the oldest that is due. Returns False if there is nothing to tell.

    What cannot be told is logged and tried again later, so that it keeps nothing else waiting.
    """
    with transaction.atomic():
        rows = Happening.objects.select_for_update(skip_locked=True)
        happening = rows.filter(due_at__lte=Now()).order_by("due_at", "pk").first()
        if happening is None:
            return False
        try:
            with transaction.atomic():
                for teller in TELLERS[Event(happening.event)]:
                    teller(happening)
        except Exception:
            logger.exception("%s could not be told", happening)
            Happening.objects.filter(pk=happening.pk).update(due_at=Now() + RETRY_AFTER)
        else:
            happening.delete()
    return True


def tell_ends() -> None:
    """Tell of each competition that ends within a day, once for each end."""
    near = Q(ends_at__gt=Now(), ends_at__lte=Now() + SOON)
    running = Q(state__in=[Competition.State.OPEN, Competition.State.PAUSED])
    untold = Q(told_end=None) | ~Q(told_end=F("ends_at"))
    for competition in Competition.objects.filter(near, running, untold):
        with transaction.atomic():
            rows = Competition.objects.filter(untold, pk=competition.pk)
            if rows.update(told_end=F("ends_at")):
                events.tell(Event.ENDS_SOON, competition)


# What each event says, and to whom


def evaluation_ended(happening: Happening) -> None:
    """Tell the team of the first verdict of a submission, or that the upload uses no quota."""
    evaluation = happening.evaluation
    assert evaluation
    submission = evaluation.submission
    if submission is None:
        return
    earlier = submission.evaluations.filter(pk__lt=evaluation.pk)
    if earlier.filter(state__in=[State.SCORED, State.FAILED]).exists():
        return
    more: dict[str, Any] = {}
    if evaluation.state == State.SCORED:
        kind, more = Kind.SCORED, standing_of(evaluation)
    elif evaluation.state == State.FAILED:
        kind, more = Kind.FAILED, {"said": evaluation.failure_said}
    elif submission.withdrawn_at is None and not submissions.is_counted(submission):
        kind, more = Kind.QUOTA_BACK, {"why": evaluation.state}
    else:
        return
    notices.give(
        kind,
        to=members(submission.team),
        competition=happening.competition,
        path=submission.get_absolute_url(),
        submission=submission.pk,
        team=submission.team.name,
        **more,
    )


def standing_of(evaluation: Evaluation) -> dict[str, Any]:
    """The public score of an evaluation, and the rank of its team."""
    assert evaluation.submission
    if evaluation.competition.hides_scores:
        return {"is_hidden": True}
    entry = rankings.entry_of(evaluation.submission.team, Entry.Board.PUBLIC)
    return {
        "score": evaluation.score_public,
        "half_width": evaluation.score_half_width,
        "rank": rankings.rank(entry) if entry else None,
        "is_late": evaluation.submission.is_late,
        "is_best": bool(entry and entry.submission_id == evaluation.submission_id),
    }


def place_changed(happening: Happening) -> None:
    """Tell the nearest teams that were overtaken, unless the two rows are tied.

    Only the public board counts. Once the private board is published, nobody is told.
    """
    competition, after = happening.competition, happening.facts["after"]
    if after is None or competition.is_published or competition.hides_scores:
        return
    score = Decimal(after[0])
    below = Entry.objects.filter(
        competition=competition, board=Entry.Board.PUBLIC, is_ranked=True, score__gt=score
    ).exclude(team=happening.team)
    if before := happening.facts["before"]:
        below = below.filter(score__lt=Decimal(before[0]))
    nearest = list(below.select_related("team").order_by(*rankings.ORDER)[:NEAREST])
    standing = rankings.Standing(competition, Entry.Board.PUBLIC) if nearest else None
    for entry in nearest:
        interval = entry.score, entry.score_half_width
        if standing and not rankings.within_noise((score, float(after[1])), interval):
            notices.give(
                Kind.OVERTAKEN,
                to=members(entry.team),
                competition=competition,
                path=f"{competition.get_absolute_url()}boards/public/",
                team=entry.team.name,
                by=str(happening.team),
                rank=standing.rank(entry),
            )


def quota_used(happening: Happening) -> None:
    """Tell a team that used its last upload of a day that the next day has begun."""
    team = happening.team
    assert team
    if happening.competition.takes_uploads:
        notices.give(
            Kind.QUOTA_BACK,
            to=members(team),
            competition=happening.competition,
            path=f"{happening.competition.get_absolute_url()}submit/",
            team=team.name,
            uploads=submissions.quota(team, happening.competition).left,
        )


def invited(happening: Happening) -> None:
    """Tell a person of an invitation that names the person, once a day for a team.

    After `MOST_INVITED` people in a day, the next ones are told later.
    """
    invitation = happening.invitation
    assert invitation
    assert happening.team
    today = Notice.objects.filter(
        kind=Kind.INVITED, created_at__gt=timezone.now() - timedelta(days=1)
    )
    lately = today.filter(facts__team_id=happening.team.pk)
    if invitation.is_usable:
        person = User.objects.filter(pk=happening.facts["person"])
        # The same person may have left one team and made another.
        told = today.filter(Q(pk__in=lately) | Q(facts__by_id=invitation.invited_by_id))
        if told.count() >= MOST_INVITED:
            later = timezone.now() + ASK_AGAIN
            events.tell(Event.INVITED, invitation, due_at=later, **happening.facts)
            return
        notices.give(
            Kind.INVITED,
            to=person.exclude(pk__in=lately.values("user")),
            competition=happening.competition,
            path=f"/invitations/{invitation.code}/",
            team=happening.team.name,
            team_id=happening.team.pk,
            by=invitation.invited_by.username,
            by_id=invitation.invited_by_id,
            end=invitation.expires_at.isoformat(),
        )


def announced(happening: Happening) -> None:
    """Tell all teams, unless the announcement was removed meanwhile."""
    competition = happening.competition
    rows = announcements.of(competition).filter(pk=happening.facts["announcement"])
    if announcement := rows.first():
        notices.give(
            Kind.ANNOUNCEMENT,
            to=participants(competition),
            competition=competition,
            path=announcement.get_absolute_url(),
            **announcements.facts(announcement),
        )


def merge_asked(happening: Happening) -> None:
    """Tell the captain of the team that is asked."""
    offers = MergeOffer.objects.open().filter(pk=happening.facts["offer"])
    offer = offers.select_related("by_team", "to_team").first()
    if offer is None:
        return
    captain = captains.of(offer.to_team.memberships.select_related("user"))
    if captain:
        notices.give(
            Kind.MERGE_ASKED,
            to=User.objects.filter(pk=captain.user_id),
            competition=happening.competition,
            path=f"{happening.competition.get_absolute_url()}team/",
            team=offer.to_team.name,
            other=offer.by_team.name,
        )


def team_changed(happening: Happening) -> None:
    """Tell the members, and who was one before the change."""
    team, facts = happening.team, dict(happening.facts)
    people = facts.pop("people", [])
    told = Q(memberships__team=team) if team else Q()
    path = f"{happening.competition.get_absolute_url()}team/"
    if "submission" in facts:
        path = f"/submissions/{facts['submission']}/"
    notices.give(
        Kind.TEAM_CHANGED,
        to=User.objects.filter(told | Q(pk__in=people)),
        competition=happening.competition,
        path=path,
        **({"team": team.name} if team else {}),
        **facts,
    )


def applied(happening: Happening) -> None:
    """Tell the organizers, each once an hour, and not again before they read it."""
    competition = happening.competition
    waiting = competition.applications.filter(state=Application.State.WAITING).count()
    told = Notice.objects.filter(kind=Kind.APPLIED, competition=competition)
    lately = told.filter(created_at__gt=timezone.now() - ASK_AGAIN)
    if waiting:
        notices.give(
            Kind.APPLIED,
            to=organizers(competition).exclude(
                pk__in=(lately | told.unread()).order_by().values("user")
            ),
            competition=competition,
            path=f"/admin/leaderboard/application/?competition__id__exact={competition.pk}",
            waiting=waiting,
        )


def application_decided(happening: Happening) -> None:
    rows = Application.objects.filter(pk=happening.facts["application"])
    application = rows.exclude(state=Application.State.WAITING).first()
    if application:
        notices.give(
            Kind.APPLICATION,
            to=User.objects.filter(pk=application.user_id),
            competition=happening.competition,
            path=f"{happening.competition.get_absolute_url()}team/",
            state=application.state,
            reason=application.reason,
        )


def ends_soon(happening: Happening) -> None:
    competition = happening.competition
    if competition.accepts_uploads and competition.ends_at:
        notices.give(
            Kind.ENDS_SOON,
            to=participants(competition),
            competition=competition,
            end=competition.ends_at.isoformat(),
        )


def published(happening: Happening) -> None:
    competition = happening.competition
    notices.give(
        Kind.PUBLISHED,
        to=participants(competition),
        competition=competition,
        path=f"{competition.get_absolute_url()}boards/private/",
    )


def rescored(happening: Happening) -> None:
    competition = happening.competition
    rescore = Rescore.objects.get(pk=happening.facts["rescore"])
    notices.give(
        Kind.RESCORED,
        to=participants(competition),
        competition=competition,
        path=f"{competition.get_absolute_url()}scoring/#versions",
        version=rescore.version,
        why=rescore.why,
    )


def verification(happening: Happening) -> None:
    team = happening.team
    assert team
    notices.give(
        Kind.VERIFICATION,
        to=members(team),
        competition=happening.competition,
        path=f"{happening.competition.get_absolute_url()}team/verification/",
        team=team.name,
        **happening.facts,
    )


def members(team: Team) -> QuerySet[User]:
    return User.objects.filter(memberships__team=team)


def organizers(competition: Competition) -> QuerySet[User]:
    """Who may decide about the people of a competition; operators where nobody else may."""
    found = User.objects.filter(
        roles__competition=competition, roles__kind__in=Role.ACTING, is_active=True
    )
    return found if found.exists() else User.objects.filter(is_superuser=True)


def participants(competition: Competition) -> QuerySet[User]:
    return User.objects.filter(memberships__competition=competition)


TELLERS: dict[Event, tuple[Callable[[Happening], None], ...]] = {
    Event.EVALUATION_ENDED: (evaluation_ended, webhooks.evaluation_ended),
    Event.PLACE_CHANGED: (place_changed, webhooks.place_changed),
    Event.QUOTA_USED: (quota_used,),
    Event.INVITED: (invited,),
    Event.ANNOUNCED: (announced, webhooks.announced),
    Event.TEAM_CHANGED: (team_changed,),
    Event.MERGE_ASKED: (merge_asked,),
    Event.APPLIED: (applied,),
    Event.APPLICATION_DECIDED: (application_decided,),
    Event.ASKED: (questions.tell_asked,),
    Event.ANSWERED: (questions.tell_answered,),
    Event.ENDS_SOON: (ends_soon,),
    Event.VERIFICATION: (verification,),
    Event.RESCORED: (rescored, webhooks.rescored, webhooks.place_changed),
    Event.COMPETITION_PUBLISHED: (published, webhooks.published, webhooks.place_changed),
}
