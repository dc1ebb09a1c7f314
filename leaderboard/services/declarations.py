"""A team declares that it belongs to a track; organizers may revoke that."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.errors import Conflict, NotFound, Refused
from leaderboard.models import Declaration, Team, User
from leaderboard.services import audit, competitions, locks, organizers, placing, teams, tracks
from leaderboard.services.audit import Act


def of(team: Team) -> QuerySet[Declaration]:
    return Declaration.objects.filter(team=team)


@transaction.atomic
def declare(*, team: Team, track: str, by: User) -> Declaration:
    """Let a team stand in a track that asks for a declaration, until the publication."""
    teams.check_member(team, by)
    competition = locks.lock(team.competition)
    competitions.check_unpublished(competition)
    found = tracks.find(competition, track)
    if found is None or not found.declared:
        raise NotFound(
            gettext("Teams cannot declare this track. Their uploads decide about it."),
            code="unknown_track",
        )
    earlier: Declaration | None = of(team).filter(track=track).first()
    if earlier and earlier.revoked_at:
        raise Conflict(
            gettext("The organizers revoked this declaration: %(reason)s")
            % {"reason": earlier.reason},
            code="declaration_revoked",
        )
    if earlier:
        return earlier
    made = Declaration.objects.create(team=team, track=track, declared_by=by)
    audit.record(Act.TRACK_DECLARED, made, by=by, after={"track": track})
    placing.place(team)
    return made


@transaction.atomic
def leave(*, team: Team, track: str, by: User) -> None:
    """Take a declaration back. A revoked one stays, so that the team cannot make it again."""
    teams.check_member(team, by)
    competitions.check_unpublished(locks.lock(team.competition))
    own = of(team).filter(track=track, revoked_at=None).first()
    if own:
        audit.record(Act.TRACK_LEFT, own, by=by, before={"track": track})
        own.delete()
        placing.place(team)


@transaction.atomic
def revoke(*, declaration: Declaration, reason: str, by: User) -> None:
    """Take a team off a track, with a reason that it reads."""
    team = declaration.team
    organizers.check_organizer(by, team.competition)
    if not reason.strip():
        raise Refused(gettext("Give a reason. The team reads it."), code="reason_missing")
    locks.lock(team.competition)
    declaration.revoked_at, declaration.reason = timezone.now(), reason.strip()[:300]
    declaration.save(update_fields=["revoked_at", "reason"])
    why = declaration.reason
    audit.record(Act.DECLARATION_REVOKED, declaration, by=by, why=why)
    placing.place(team)


@transaction.atomic
def restore(*, declaration: Declaration, by: User) -> None:
    team = declaration.team
    organizers.check_organizer(by, team.competition)
    locks.lock(team.competition)
    was = {"reason": declaration.reason}
    declaration.revoked_at, declaration.reason = None, ""
    declaration.save(update_fields=["revoked_at", "reason"])
    audit.record(Act.DECLARATION_RESTORED, declaration, by=by, before=was)
    placing.place(team)
