"""Webhooks of a team: addresses that are called when something happens to its submissions."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Collection
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.errors import Conflict, NotFound, Refused
from leaderboard.models import (
    Competition,
    Delivery,
    Entry,
    Evaluation,
    Happening,
    Rescore,
    Team,
    User,
    Webhook,
)
from leaderboard.services import announcements, audit, locks, outgoing, rankings, teams

Event = Webhook.Event
MOST_OF_A_TEAM = 5
LONGEST_URL = 500
PING = "ping"
"""The event of a call that a member asks for, to try an address."""
MOST_PINGS = 20
"""Calls in an hour that try one address."""
MOST_WAITING = 20
"""Calls that may wait for one address when a member asks for one more."""


@transaction.atomic
def add(*, team: Team, url: str, events: Collection[str], by: User) -> Webhook:
    """Have an address called. Its secret is in the answer, and is never shown again."""
    team = locks.lock(team)
    teams.check_member(team, by)
    check_address(url)
    check_events(events)
    if Webhook.objects.filter(team=team).count() >= MOST_OF_A_TEAM:
        raise Conflict(
            gettext("A team has at most %(most)d webhooks. Remove one first.")
            % {"most": MOST_OF_A_TEAM},
            code="too_many_webhooks",
        )
    entry = rankings.entry_of(team, Entry.Board.PUBLIC)
    webhook = Webhook.objects.create(
        team=team,
        url=url,
        secret=f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}",
        events=[event for event in Event.values if event in events],
        created_by=by,
        last_rank=rankings.rank(entry) if entry else None,
    )
    write_down(audit.Act.WEBHOOK_ADDED, webhook, by, events=webhook.events)
    return webhook


@transaction.atomic
def remove(*, webhook: Webhook, by: User) -> None:
    """Remove a webhook and its log."""
    teams.check_member(webhook.team, by)
    write_down(audit.Act.WEBHOOK_REMOVED, webhook, by)
    webhook.delete()


def write_down(act: audit.Act, webhook: Webhook, by: User | str, **more: Any) -> None:
    """Record an act in the audit log. Of an address only the host: the rest may be a secret."""
    host = urlsplit(webhook.url).hostname
    audit.record(act, webhook.team, by=by, after={"host": host, **more})


@transaction.atomic
def resume(*, webhook: Webhook, by: User) -> None:
    """Call an address again that was stopped after too many failures."""
    teams.check_member(webhook.team, by)
    webhook.failures, webhook.stopped_at = 0, None
    webhook.save(update_fields=["failures", "stopped_at"])
    write_down(audit.Act.WEBHOOK_RESUMED, webhook, by)


@transaction.atomic
def ping(*, webhook: Webhook, by: User) -> Delivery:
    """Try an address with an event of its own."""
    teams.check_member(webhook.team, by)
    check_runs(webhook)
    check_waiting(webhook)
    since = timezone.now() - timedelta(hours=1)
    if webhook.deliveries.filter(event=PING, created_at__gt=since).count() >= MOST_PINGS:
        raise Conflict(
            gettext("An address gets at most %(most)d test calls in an hour. Try again later.")
            % {"most": MOST_PINGS},
            code="too_many_calls",
        )
    return deliver(webhook, PING, {})


@transaction.atomic
def redeliver(*, delivery: Delivery, by: User) -> None:
    """Send a delivery again, with the same body and identifier."""
    teams.check_member(delivery.webhook.team, by)
    check_runs(delivery.webhook)
    check_waiting(delivery.webhook)
    Delivery.objects.filter(pk=delivery.pk).update(
        due_at=timezone.now(),
        attempts=0,
        attempted_at=None,
        delivered_at=None,
        status=None,
        error="",
    )


def of(team: Team, by: User) -> QuerySet[Webhook]:
    """A team's webhooks, for its members."""
    teams.check_member(team, by)
    return Webhook.objects.filter(team=team).select_related("team__competition", "created_by")


def find(team: Team, pk: int, by: User) -> Webhook:
    """One webhook of a team. Raises `NotFound`."""
    found = of(team, by).filter(pk=pk).first()
    if found is None:
        raise NotFound(gettext("The team has no such webhook."), code="unknown_webhook")
    return found


def find_delivery(webhook: Webhook, pk: int) -> Delivery:
    """One delivery of a webhook. Raises `NotFound`."""
    found = webhook.deliveries.filter(pk=pk).select_related("webhook__team").first()
    if found is None:
        raise NotFound(gettext("The webhook has no such delivery."), code="unknown_delivery")
    return found


# Checks


def check_address(url: str) -> None:
    """Raises `Refused` for an address that can never be called. Names are resolved at each call."""
    try:
        parts = urlsplit(url)
        is_good = bool(parts.hostname) and parts.port != 0 and len(url) <= LONGEST_URL
    except ValueError:
        is_good = False
    schemes = ["https", "http"] if settings.WEBHOOK_NETWORKS else ["https"]
    if not is_good or parts.scheme not in schemes or parts.username is not None or has_gaps(url):
        raise Refused(
            gettext("Write an address like https://example.org/hook, without a user name."),
            code="bad_webhook_address",
        )
    if is_number(parts.hostname or "") and not outgoing.is_allowed(parts.hostname or ""):
        raise Refused(
            gettext("This address is not public. Webhooks reach public addresses only."),
            code="address_not_public",
        )


def has_gaps(url: str) -> bool:
    return any(letter.isspace() or not letter.isprintable() for letter in url)


def is_number(host: str) -> bool:
    """Whether a host is an address of digits and no name."""
    return ":" in host or host.replace(".", "").isdigit()


def check_events(events: Collection[str]) -> None:
    if not events or set(events) - set(Event.values):
        raise Refused(
            gettext("Choose at least one event of these: %(events)s.")
            % {"events": ", ".join(Event.values)},
            code="bad_webhook_events",
        )


def check_runs(webhook: Webhook) -> None:
    if webhook.stopped_at:
        raise Conflict(
            gettext("Calls to this address have stopped. Resume them first."),
            code="webhook_stopped",
        )


def check_waiting(webhook: Webhook) -> None:
    if webhook.deliveries.filter(due_at__isnull=False).count() >= MOST_WAITING:
        raise Conflict(
            gettext("%(most)d calls to this address are waiting. Try again once they are sent.")
            % {"most": MOST_WAITING},
            code="too_many_calls",
        )


# What is told. `telling` calls these in the transaction that deletes the happening.


def evaluation_ended(happening: Happening) -> None:
    """Call the team's addresses for a verdict, also for a repeated one."""
    evaluation = happening.evaluation
    assert evaluation
    if evaluation.submission is None or evaluation.state not in (Event.SCORED, Event.FAILED):
        return
    submission = evaluation.submission
    facts = {
        "submission": {
            "id": submission.pk,
            "url": settings.SITE_URL + submission.get_absolute_url(),
            "note": submission.note,
            "branch": submission.branch,
        },
        "why": evaluation.why,
    }
    facts |= scored(evaluation) if evaluation.state == Event.SCORED else failed(evaluation)
    for webhook in wanting(evaluation.state, happening.competition, team=submission.team):
        deliver(webhook, evaluation.state, facts)


def scored(evaluation: Evaluation) -> dict[str, Any]:
    """Public figures only; none in a blind competition."""
    if evaluation.competition.hides_scores:
        return {}
    parts = rankings.parts(evaluation, Entry.Board.PUBLIC)
    assert parts
    assert evaluation.submission
    assert evaluation.quality_public is not None
    entry = rankings.entry_of(evaluation.submission.team, Entry.Board.PUBLIC)
    return {
        "score": parts.score,
        "score_half_width": evaluation.score_half_width,
        "quality": rankings.told(evaluation.quality_public),
        "time_ratio": evaluation.time_ratio,
        "is_best": bool(entry and entry.submission_id == evaluation.submission_id),
        "rank": rankings.rank(entry) if entry else None,
    }


def failed(evaluation: Evaluation) -> dict[str, Any]:
    return {"code": evaluation.failure_code, "detail": evaluation.failure_message}


def place_changed(happening: Happening) -> None:
    """Call the addresses of teams whose public rank has changed since it was told last."""
    competition = happening.competition
    if competition.hides_scores:
        return
    waiting = wanting(Event.RANK_CHANGED, competition)
    if not waiting:
        return
    ranks = rankings.ranks(competition)
    for webhook in waiting:
        rank, previous = ranks.get(webhook.team_id), webhook.last_rank
        if rank == previous:
            continue
        # Another process may tell another happening at the same time. One of the two tells.
        if Webhook.objects.filter(pk=webhook.pk, last_rank=previous).update(last_rank=rank):
            deliver(webhook, Event.RANK_CHANGED, {"rank": rank, "previous_rank": previous})


def rescored(happening: Happening) -> None:
    """Call all addresses that want it. The changed ranks are events of their own."""
    competition = happening.competition
    rescore = Rescore.objects.get(pk=happening.facts["rescore"])
    facts = {
        "formula_version": rescore.version,
        "why": rescore.why,
        "board": f"{settings.SITE_URL}{competition.get_absolute_url()}boards/public/",
    }
    for webhook in wanting(Event.RESCORED, competition):
        deliver(webhook, Event.RESCORED, facts)


def published(happening: Happening) -> None:
    competition = happening.competition
    board = f"{settings.SITE_URL}{competition.get_absolute_url()}boards/private/"
    for webhook in wanting(Event.PUBLISHED, competition):
        deliver(webhook, Event.PUBLISHED, {"board": board})


def announced(happening: Happening) -> None:
    """Call all addresses that want it, unless the announcement was removed meanwhile. A draft shows
    its announcements to nobody."""
    competition = happening.competition
    rows = announcements.of(competition).filter(pk=happening.facts["announcement"])
    announcement = rows.first()
    if announcement is None or not competition.is_public:
        return
    facts = {
        "announcement": {
            "id": announcement.pk,
            "url": settings.SITE_URL + announcement.get_absolute_url(),
            "title": announcement.title,
            "text": announcement.text,
        }
    }
    for webhook in wanting(Event.ANNOUNCED, competition):
        deliver(webhook, Event.ANNOUNCED, facts)


def wanting(event: str, competition: Competition, **more: object) -> list[Webhook]:
    """The webhooks of the teams in a competition that want an event."""
    running = Webhook.objects.filter(team__competition=competition, stopped_at=None, **more)
    running = running.exclude(created_by__is_active=False)
    # Filtered here: SQLite cannot search in JSON.
    return [one for one in running.select_related("team__competition") if event in one.events]


def deliver(webhook: Webhook, event: str, facts: dict[str, Any]) -> Delivery:
    """Write a call that is to be sent."""
    new = Delivery(webhook=webhook, event=event)
    said = {
        "id": str(new.identifier),
        "event": event,
        "created_at": new.created_at.isoformat(),
        "competition": webhook.team.competition.slug,
        "team": {"id": webhook.team_id, "name": webhook.team.name},
        **facts,
    }
    new.body = json.dumps(said, ensure_ascii=False)
    new.save(force_insert=True)
    return new
