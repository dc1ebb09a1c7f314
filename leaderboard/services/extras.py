"""Organizers give a team further uploads until a date, with a reason that the team reads."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.errors import Conflict, Refused
from leaderboard.models import Extra, Team, User
from leaderboard.services import audit, events, locks, organizers, quotas
from leaderboard.services.audit import Act
from leaderboard.services.events import Event

MOST = 1000
"""Uploads that are given at once."""


@transaction.atomic
def give(*, team: Team, uploads: int, until: datetime, reason: str, by: User) -> Extra:
    """Give a team further uploads. They are used once the limits of the competition are used up."""
    organizers.check_organizer(by, team.competition)
    reason = reason.strip()[:300]
    if not reason:
        raise Refused(gettext("Give a reason. The team reads it."), code="reason_missing")
    if not 1 <= uploads <= MOST:
        raise Refused(
            gettext("Give 1 to %(most)d further uploads.") % {"most": MOST}, code="bad_uploads"
        )
    if until <= timezone.now():
        raise Refused(gettext("Choose a time in the future."), code="time_passed")
    team = locks.lock(team)
    extra = Extra.objects.create(
        team=team, uploads=uploads, until=until, reason=reason, given_by=by
    )
    given = {"uploads": uploads, "until": until}
    audit.record(Act.UPLOADS_GIVEN, team, by=by, after=given, why=reason)
    end = until.isoformat()
    events.tell(Event.TEAM_CHANGED, team, change="extra", uploads=uploads, end=end, reason=reason)
    return extra


@transaction.atomic
def take_back(*, team: Team, by: User) -> None:
    """End the further uploads of a team that it has not used."""
    organizers.check_organizer(by, team.competition)
    team = locks.lock(team)
    rest = [one for one in quotas.extras(team) if one.left]
    if not rest:
        raise Conflict(
            gettext("%(team)s has no further uploads left.") % {"team": team}, code="no_extras"
        )
    team.extras.filter(pk__in=[one.pk for one in rest]).update(until=timezone.now())
    left = {"uploads": sum(one.left for one in rest)}
    audit.record(Act.UPLOADS_TAKEN_BACK, team, by=by, before=left)
