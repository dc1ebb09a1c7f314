"""Acts are written down in the transaction in which they happen: who, what, on what, from, to, why.

A service that acts calls `record`. A rollback of the act takes its entry back, too. A door may say
why with `because`, so that no service passes a reason through that it does not read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from typing import Any

from django.db.models import Model, Q
from django.utils import translation
from django.utils.translation import gettext_noop

from leaderboard.models import AuditEntry, Competition, Role, User
from leaderboard.models.organizers import organized_by

Act = AuditEntry.Act
CONSOLE = gettext_noop("console")
"""Who acts by a command of the operating system."""
SERVICE = gettext_noop("service")
"""Who acts when a time has come: the service itself."""
SECRETS = frozenset({"password", "token", "digest", "secret", "code", "key", "labels", "answers"})
"""No entry has a value by one of these names."""

reason: ContextVar[str] = ContextVar("reason", default="")


@contextmanager
def because(why: str) -> Iterator[None]:
    """Everything that the body records has this reason, unless it gives its own."""
    token = reason.set(why)
    try:
        yield
    finally:
        reason.reset(token)


def record(
    act: Act,
    row: Model | None,
    *,
    by: User | str,
    subject: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    why: str = "",
) -> None:
    """Write down an act on a row. Call it in the transaction of the act.

    `by` is a person, or `CONSOLE` or `SERVICE`. `subject` names what is not a row. Values that are
    equal before and after are left out.
    """
    was, now = dict(before or {}), dict(after or {})
    if secret := SECRETS & {*was, *now}:
        raise ValueError(f"A secret does not belong into the audit log: {sorted(secret)}")
    same = [name for name in was if name in now and was[name] == now[name]]
    entry = AuditEntry(
        act=act,
        before={name: value for name, value in was.items() if name not in same},
        after={name: value for name, value in now.items() if name not in same},
        why=(why or reason.get())[:300],
    )
    if row is not None:
        entry.competition_id = competition_of(row)
        entry.subject_type = row._meta.model_name or ""
        entry.subject_id = row.pk if isinstance(row.pk, int) else None
        with translation.override("en"):  # the log has one language, whoever acts
            subject = str(row)
    entry.subject = subject[:200]
    if isinstance(by, str):
        entry.by_name = by
    else:
        entry.by_id, entry.by_name = by.pk, by.get_username()
    entry.save(force_insert=True)


def state(row: Model, *names: str) -> dict[str, Any]:
    """The values of some fields of a row as plain values. A reference to another row becomes its
    name."""
    return {name: plain(getattr(row, name)) for name in sorted(names)}


def plain(value: Any) -> Any:
    if isinstance(value, date | bool | int | float | str | list | dict) or value is None:
        return value
    return str(value)


def competition_of(row: Model) -> int | None:
    """The key of the competition that a row belongs to; None if it belongs to all."""
    if isinstance(row, Competition):
        return row.pk
    if found := getattr(row, "competition_id", None):
        return int(found)
    team = getattr(row, "team", None)
    return team.competition_id if team else None


# Reading

COLUMNS = (
    *("at", "who", "act", "competition", "type", "id", "subject", "before", "after"),
    "why",
)
"""What an export tells of an entry."""


def told(entry: AuditEntry) -> dict[str, Any]:
    """An entry for an export."""
    values = (
        entry.at.isoformat(),
        entry.by_name,
        entry.act,
        entry.competition.slug if entry.competition else "",
        entry.subject_type,
        entry.subject_id,
        entry.subject,
        json.dumps(entry.before, ensure_ascii=False),
        json.dumps(entry.after, ensure_ascii=False),
        entry.why,
    )
    return dict(zip(COLUMNS, values, strict=True))


def changes(entry: AuditEntry) -> list[tuple[str, Any, Any]]:
    """Each changed value: its name, the value before and the value after; None if there was
    none."""
    names = sorted({*entry.before, *entry.after})
    return [(name, entry.before.get(name), entry.after.get(name)) for name in names]


def people(reader: User) -> list[str]:
    """The names of the people whose acts a reader looks for: operators, and who has a role."""
    seen = Role.objects.filter(organized_by(reader, competition="competition"))
    found = User.objects.filter(Q(is_superuser=True) | Q(pk__in=seen.order_by().values("user")))
    return list(found.order_by("username").values_list("username", flat=True))
