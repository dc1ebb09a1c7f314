"""Captains merge their teams: one asks, the other one accepts."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.errors import Conflict, NotFound
from leaderboard.models import MergeOffer, Team, User
from leaderboard.services import captains, events, locks, merging, teams
from leaderboard.services.events import Event

MOST = 5
"""Offers of a team that are open at once."""
MOST_A_DAY = 10
"""Offers of a team within 24 hours. Each is a notice for a captain, also if it is taken back."""
DAY = timedelta(days=1)


@transaction.atomic
def ask(*, team: Team, name: str, by: User) -> MergeOffer:
    """Ask another team, by its name, to join this one."""
    team, other = merging.locked(team, merging.named(team.competition, name))
    captains.check_captain(team, by)
    merging.check_deadline(team.competition)
    merging.check(team, other)
    check_today(team)
    sent = MergeOffer.objects.open().filter(by_team=team)
    if sent.filter(to_team=other).exists():
        raise Conflict(gettext("Your team has already asked this team."), code="asked_already")
    if sent.count() >= MOST:
        raise Conflict(
            gettext("Your team is waiting for %(most)d answers. Take back one offer first.")
            % {"most": MOST},
            code="too_many_offers",
        )
    offer = MergeOffer.objects.create(by_team=team, to_team=other, asked_by=by)
    events.tell(Event.MERGE_ASKED, other, offer=offer.pk)
    return offer


def check_today(team: Team) -> None:
    """Raises `Conflict` if a locked team has asked too often today. Ended offers of earlier days
    are deleted."""
    since = timezone.now() - DAY
    sent = MergeOffer.objects.filter(by_team=team)
    sent.filter(ended_at__isnull=False, asked_at__lte=since).delete()
    if sent.filter(asked_at__gt=since).count() >= MOST_A_DAY:
        raise Conflict(
            gettext("Your team has asked %(most)d times within 24 hours. Ask again tomorrow.")
            % {"most": MOST_A_DAY},
            code="too_many_offers_today",
        )


@transaction.atomic
def accept(*, offer: MergeOffer, by: User) -> Team:
    """Join the team that asks, as the captain of the team that is asked."""
    into, other = merging.locked(offer.by_team, offer.to_team)
    captains.check_captain(other, by)
    if not MergeOffer.objects.open().filter(pk=offer.pk).exists():
        raise gone()
    merging.check_deadline(into.competition)
    return merging.joined(into, other, by=by, change="offer_accepted")


@transaction.atomic
def end(*, offer: MergeOffer, by: User) -> None:
    """Take an offer back, or decline it, as the captain of one of the two teams."""
    own = teams.of(by, offer.by_team.competition)
    if own is None or own.pk not in (offer.by_team_id, offer.to_team_id):
        raise gone()
    captains.check_captain(locks.lock(own), by)
    MergeOffer.objects.open().filter(pk=offer.pk).update(ended_at=timezone.now())


def of(team: Team) -> QuerySet[MergeOffer]:
    """The open offers that a team has sent or got."""
    rows = MergeOffer.objects.open().filter(Q(by_team=team) | Q(to_team=team))
    return rows.select_related("by_team__competition", "to_team__competition")


def find(team: Team, pk: int) -> MergeOffer:
    offer = of(team).filter(pk=pk).first()
    if offer is None:
        raise gone()
    return offer


def gone() -> NotFound:
    return NotFound(gettext("This offer was taken back or declined."), code="unknown_offer")
