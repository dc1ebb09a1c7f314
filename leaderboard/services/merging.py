"""Two teams become one, or a member gets a team of their own.

What two teams used together counts as what one team has used. So a merge is refused where both
together have uploaded more than one team could have since the competition began.
"""

from __future__ import annotations

import math
from datetime import timedelta

from django.db import transaction
from django.db.models import Min
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.errors import Conflict, NotAllowed, NotFound
from leaderboard.models import (
    Competition,
    Declaration,
    Evaluation,
    Moved,
    PartialUpload,
    Submission,
    Team,
    Trial,
    User,
)
from leaderboard.services import (
    audit,
    bans,
    captains,
    competitions,
    events,
    locks,
    organizers,
    placing,
    quotas,
    reasons,
    teams,
    turns,
    versions,
)
from leaderboard.services.audit import Act
from leaderboard.services.events import Event
from leaderboard.services.quotas import Period

LENGTHS: dict[Period, timedelta] = {
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=31),
}


@transaction.atomic
def merge(*, into: Team, other: Team, reason: str, by: User, is_late: bool = False) -> Team:
    """Merge two teams as an organizer. `is_late`: also after the deadline of merges."""
    organizers.check_organizer(by, into.competition)
    reason = reasons.given(reason)
    into, other = locked(into, other)
    if not is_late:
        check_deadline(into.competition)
    return joined(into, other, by=by, change="merged", reason=reason)


def joined(into: Team, other: Team, *, by: User, change: str, reason: str = "") -> Team:
    """Move everything of a locked team into another locked one. Raises `Conflict` if a rule
    forbids it."""
    check(into, other)
    people = list(other.memberships.values_list("user_id", flat=True))
    was = {
        "team": other.name,
        "members": sorted(other.members.values_list("username", flat=True)),
        "submissions": other.submissions.count(),
    }
    audit.record(Act.TEAMS_MERGED, into, by=by, before=was, why=reason)
    name = other.name
    drop_selections(into, other)
    move(other, into)
    events.tell(Event.TEAM_CHANGED, into, change=change, other=name, reason=reason, people=people)
    other.delete()
    turns.settle_anew(into)
    placing.place(into)
    versions.change(into.competition_id)
    return into


def move(other: Team, into: Team) -> None:
    """Everything that a team has, except what ends with it: invitations, webhooks, offers, and its
    word that it belongs to tracks. What organizers revoked stays revoked."""
    keys = into.submissions.exclude(idempotency_key=None).values("idempotency_key")
    other.submissions.filter(idempotency_key__in=keys).update(idempotency_key=None)
    into.sent += other.sent
    into.last_sent_at = max(
        (at for at in (into.last_sent_at, other.last_sent_at) if at), default=None
    )
    into.turn = max(into.turn, other.turn)
    into.save(update_fields=["sent", "last_sent_at", "turn"])
    Submission.objects.filter(team=other).update(team=into)
    Evaluation.objects.filter(team=other).update(team=into)
    Trial.objects.filter(team=other).update(team=into)
    PartialUpload.objects.filter(team=other).update(team=into)
    Moved.objects.filter(team=other).update(team=into)
    other.extras.update(team=into)
    other.questions.update(team=into)
    for one in Declaration.objects.filter(team=other).exclude(revoked_at=None):
        kept = {"revoked_at": one.revoked_at, "reason": one.reason}
        Declaration.objects.update_or_create(team=into, track=one.track, defaults=kept)
    other.memberships.update(team=into, is_captain=False)
    for team in (into, other):
        team.invitations.filter(accepted_at=None).delete()


def drop_selections(into: Team, other: Team) -> None:
    """Both teams' final selections stay if they are few enough, else only those of the team that
    goes on."""
    selected = Submission.objects.filter(team__in=[into, other]).exclude(selected_at=None)
    if selected.count() > into.competition.final_selections:
        other.submissions.update(selected_at=None)


# Rules


def check(into: Team, other: Team) -> None:
    """Raises `Refused` with the first rule that forbids to merge two locked teams."""
    competition = into.competition
    if into.pk == other.pk or other.competition_id != competition.pk:
        raise Conflict(gettext("Choose another team of this competition."), code="other_team")
    teams.check_forming(competition)
    competitions.check_unverified(competition)
    for team in (into, other):
        check_not_banned(team)
    members = into.memberships.count() + other.memberships.count()
    if members > competition.max_team_size:
        raise Conflict(
            gettext(
                "Together the teams have %(members)d members. A team can have at most %(most)d."
            )
            % {"members": members, "most": competition.max_team_size},
            code="team_full",
        )
    if Evaluation.objects.filter(team=other).unfinished().exists() or unfinished_trial(other):
        raise Conflict(
            gettext("%(team)s has evaluations that have not ended. Wait until they end.")
            % {"team": other},
            code="evaluations_unfinished",
        )
    check_quota(into, other)


def check_not_banned(team: Team) -> None:
    """Raises `NotAllowed` without the reason of the ban: another team's captain may read this."""
    if bans.is_banned(team):
        raise NotAllowed(
            gettext("The organizers have banned %(team)s from this competition. It cannot merge.")
            % {"team": team},
            code="banned",
        )


def unfinished_trial(team: Team) -> bool:
    return team.trials.filter(state__in=[Trial.State.QUEUED, Trial.State.RUNNING]).exists()


def check_quota(into: Team, other: Team) -> None:
    """Both together may have used what one team could have used since the first team was made.

    The refusal does not say what they have used: a captain reads it before the other team agrees.
    """
    competition = into.competition
    sent = Submission.objects.filter(team__in=[into, other], extra=None)
    used = quotas.counted(sent).count()
    most = most_so_far(competition)
    if used > most:
        raise Conflict(
            gettext(
                "Together the teams have used more uploads than one team could have used by "
                "now. That is %(most)d."
            )
            % {"most": most},
            code="combined_quota",
        )


def most_so_far(competition: Competition) -> int:
    """The uploads that one team could have used by now, by the tightest limit."""
    begun = competition.teams.aggregate(at=Min("created_at"))["at"] or timezone.now()
    passed = timezone.now() - begun
    found = []
    for period, most in quotas.allowed(competition).items():
        if most is not None:
            length = LENGTHS.get(period)
            found.append(most * (math.ceil(passed / length) or 1) if length else most)
    return min(found)


def check_deadline(competition: Competition) -> None:
    if not competition.takes_merges():
        raise Conflict(
            gettext("The time for merges of teams is over."), code="merge_deadline_passed"
        )


def locked(into: Team, other: Team) -> tuple[Team, Team]:
    """Both teams under locks, after that of their competition, in the order of their keys."""
    competition = locks.lock(into.competition)
    rows = {team.pk: locks.lock(team) for team in sorted((into, other), key=lambda one: one.pk)}
    for row in rows.values():
        if row.competition_id == competition.pk:
            row.competition = competition
    return rows[into.pk], rows[other.pk]


def named(competition: Competition, name: str) -> Team:
    """A team by its name, in any case. Raises `NotFound`."""
    found = competition.teams.filter(name__iexact=name.strip()).first()
    if found is None:
        raise NotFound(
            gettext("There is no team named %(name)s in this competition.") % {"name": name[:60]},
            code="unknown_team",
        )
    return found


# Apart


@transaction.atomic
def split(*, team: Team, username: str, name: str, reason: str, by: User) -> Team:
    """Give a member a team of their own, as an organizer. What was submitted stays where it is."""
    organizers.check_organizer(by, team.competition)
    reason = reasons.given(reason)
    team = locks.lock(team)
    teams.check_forming(team.competition)
    member = captains.find_member(team, username)
    if team.memberships.count() == 1:
        raise Conflict(
            gettext("%(person)s is the only member of %(team)s.")
            % {"person": username, "team": team},
            code="last_member",
        )
    new = Team(competition=team.competition)
    teams.give_name(new, name)
    team.invitations.filter(accepted_at=None).delete()
    team.webhooks.filter(created_by=member.user_id).delete()
    team.memberships.filter(pk=member.pk).update(team=new, is_captain=True, is_shown=False)
    if not team.memberships.filter(is_captain=True).exists():
        first = team.memberships.order_by("joined_at", "pk").values("pk")[:1]
        team.memberships.filter(pk__in=list(first.values_list("pk", flat=True))).update(
            is_captain=True
        )
    now = {"person": username, "team": new.name}
    audit.record(Act.TEAM_SPLIT, team, by=by, after=now, why=reason)
    events.tell(
        Event.TEAM_CHANGED,
        team,
        change="split",
        people=[member.user_id],
        person=username,
        other=new.name,
        reason=reason,
    )
    versions.change_names(team.competition_id)  # accounts that look alike are told by teams
    return new
