"""Notices: what a person is told in the pages and by mail, and what the person wants to be told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.errors import NotFound, Refused
from leaderboard.models import Competition, Notice, User

Kind = Notice.Kind
KEPT = timedelta(days=90)
MOST_COUNTED = 100
"""So many unread notices are counted; more are shown as this number and a plus sign."""
BATCH = 1000


def give(
    kind: str,
    *,
    to: QuerySet[User],
    competition: Competition,
    path: str = "",
    **facts: Any,
) -> None:
    """Tell some people something, each in the ways that the person wants. Call in a transaction."""
    people = to.filter(is_active=True).distinct().only("email", "quiet_on_pages", "quiet_by_mail")
    rows = iter(wanted(kind, people.iterator(chunk_size=BATCH)))
    while batch := list(islice(rows, BATCH)):
        for row in batch:
            row.competition, row.facts = competition, facts
            row.path = path or competition.get_absolute_url()
        Notice.objects.bulk_create(batch)


def wanted(kind: str, people: Iterable[User]) -> Iterator[Notice]:
    """A notice for each person who wants this kind of notice."""
    now = timezone.now()
    for person in people:
        is_shown = kind not in person.quiet_on_pages
        is_mailed = bool(settings.EMAIL_URL and person.email) and kind not in person.quiet_by_mail
        if is_shown or is_mailed:
            mail_at = now if is_mailed else None
            yield Notice(user=person, kind=kind, created_at=now, is_shown=is_shown, mail_at=mail_at)


def of(person: User) -> QuerySet[Notice]:
    """What the pages show a person, the newest first."""
    return Notice.objects.filter(user=person, is_shown=True).select_related("competition")


def unread(person: User) -> int:
    """The number of a person's unread notices, `MOST_COUNTED` at most."""
    return Notice.objects.unread().filter(user=person).order_by()[:MOST_COUNTED].count()


def find(person: User, pk: int) -> Notice:
    """One of a person's notices. Raises `NotFound`."""
    notice = of(person).filter(pk=pk).first()
    if notice is None:
        raise NotFound(gettext("You have no such notice."), code="unknown_notice")
    return notice


def read(person: User, *, pk: int | None = None) -> None:
    """Mark a notice as read; without a number, all of them."""
    rows = Notice.objects.unread().filter(user=person)
    (rows if pk is None else rows.filter(pk=pk)).update(read_at=timezone.now())


def seen(person: User, path: str) -> None:
    """Mark what leads to a page as read: the person is there."""
    rows = Notice.objects.unread().filter(user=person, path=path)
    if rows.exists():  # a page that is only read should not wait for a lock
        rows.update(read_at=timezone.now())


def unread_again(person: User, *, pk: int) -> None:
    Notice.objects.filter(user=person, pk=pk).update(read_at=None)


def choose(*, person: User, on_pages: Collection[str], by_mail: Collection[str]) -> None:
    """Keep which kinds of notices a person wants in the pages, and which by mail.

    Raises `Refused` for an unknown kind.
    """
    if unknown := {*on_pages, *by_mail} - set(Kind.values):
        raise Refused(
            gettext("There is no kind of notice called %(kind)s.") % {"kind": min(unknown)[:50]},
            code="unknown_kind_of_notice",
        )
    person.quiet_on_pages = [kind for kind in Kind.values if kind not in on_pages]
    person.quiet_by_mail = [kind for kind in Kind.values if kind not in by_mail]
    person.save(update_fields=["quiet_on_pages", "quiet_by_mail"])


@transaction.atomic
def end_mails(*, person: User, kind: str) -> None:
    """Send a person no more mails of a kind."""
    # Two links that are opened at once must both end their mails.
    person.quiet_by_mail = User.objects.select_for_update().get(pk=person.pk).quiet_by_mail
    if kind in person.quiet_by_mail or kind not in Kind.values:
        return
    person.quiet_by_mail = [*person.quiet_by_mail, kind]
    person.save(update_fields=["quiet_by_mail"])
    Notice.objects.filter(user=person, kind=kind).update(mail_at=None)


def forget() -> None:
    """Delete the notices that are older than `KEPT`."""
    Notice.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
