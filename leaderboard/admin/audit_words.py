"""What changed by an act: the panel's names of fields, values in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db.models import Field, Model
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy, ngettext

from leaderboard.admin import words
from leaderboard.models import AuditEntry
from leaderboard.sentences import message
from leaderboard.services import audit
from leaderboard.services.rescore_words import NAMES, TERMS
from scoring.images.changes import Changes

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

FEW = 3
"""Changes that a list shows; it folds the others."""
SHORT = 60
"""Most letters of a value that are shown unfolded."""
MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d\S*)?")
SHA256 = re.compile(r"[0-9a-f]{64}")

OTHERS: Mapping[str, StrPromise] = {
    **NAMES,
    **TERMS,
    "architecture": gettext_lazy("architecture"),
    "calibration": gettext_lazy("calibration"),
    "captain": gettext_lazy("captain"),
    "changes": gettext_lazy("changes"),
    "competition": gettext_lazy("competition"),
    "disqualified": gettext_lazy("disqualified"),
    "due_at": gettext_lazy("due"),
    "events": gettext_lazy("events"),
    "expires_at": gettext_lazy("valid until"),
    "failures": gettext_lazy("failures"),
    "form": gettext_lazy("format"),
    "host": gettext_lazy("host"),
    "id": gettext_lazy("number"),
    "images": gettext_lazy("images"),
    "is_active": gettext_lazy("active"),
    "is_pinned": gettext_lazy("pinned"),
    "is_staff": gettext_lazy("may enter the panel"),
    "is_superuser": gettext_lazy("operator"),
    "keeps_failed": gettext_lazy("failures keep their scores"),
    "kind": gettext_lazy("kind"),
    "left_out": gettext_lazy("left out"),
    "member": gettext_lazy("member"),
    "members": gettext_lazy("members"),
    "name": gettext_lazy("name"),
    "person": gettext_lazy("person"),
    "private": gettext_lazy("private"),
    "public": gettext_lazy("public"),
    "rank": gettext_lazy("rank"),
    "reason": gettext_lazy("reason"),
    "reports": gettext_lazy("reports"),
    "rows": gettext_lazy("rows"),
    "sample": gettext_lazy("sample"),
    "scope": gettext_lazy("scope"),
    "seconds": gettext_lazy("seconds"),
    "seed": gettext_lazy("seed"),
    "sha256": gettext_lazy("SHA-256"),
    "state": gettext_lazy("state"),
    "submissions": gettext_lazy("submissions"),
    "team": gettext_lazy("team"),
    "text": gettext_lazy("text"),
    "title": gettext_lazy("title"),
    "track": gettext_lazy("track"),
    "until": gettext_lazy("until"),
    "uploads": gettext_lazy("uploads"),
    "username": gettext_lazy("user name"),
    "version": gettext_lazy("version"),
    "weight": gettext_lazy("share"),
}
"""What the audit log calls values that are no fields of the row, or that no form shows."""


@dataclass(frozen=True)
class Line:
    """One changed value in words. `was` is empty where there was none."""

    name: str
    was: str
    now: str

    def html(self) -> SafeString:
        return format_html("<strong>{}</strong>: {}", self.name, self.values())

    def values(self) -> SafeString:
        before = format_html("{} → ", folded(self.was)) if self.was else ""
        return format_html("{}{}", before, folded(self.now))


def lines(entry: AuditEntry) -> list[Line]:
    """The changed values of an entry in the reader's language."""
    model = model_of(entry.subject_type)
    return [
        Line(
            label(model, name),
            "" if was is None else value(model, name, was),
            value(model, name, now) if name in entry.after else "–",
        )
        for name, was, now in audit.changes(entry)
    ]


def summary(entry: AuditEntry) -> SafeString | str:
    """The first changed values, and the others folded."""
    every = lines(entry)
    few, more = every[:FEW], every[FEW:]
    if not every:
        return "–"
    if not more:
        return format_html("<div>{}</div>", stacked(few))
    said = ngettext("%(count)d more", "%(count)d more", len(more)) % {"count": len(more)}
    fold = "<div>{}<details><summary>{}</summary>{}</details></div>"
    return format_html(fold, stacked(few), said, stacked(more))


def stacked(found: list[Line]) -> SafeString:
    return format_html_join("", "<div>{}</div>", ((one.html(),) for one in found))


def folded(text: str) -> SafeString | str:
    """A text. A long one shows its beginning only, until a reader opens it."""
    if len(text) <= SHORT:
        return text
    fold = "<details><summary>{}…</summary>{}</details>"
    return format_html(fold, text[:SHORT], text)


def model_of(name: str) -> type[Model] | None:
    try:
        return apps.get_model("leaderboard", name)
    except LookupError:
        return None


@cache
def field_of(model: type[Model] | None, name: str) -> Field[Any, Any] | None:
    fields = {one.name: one for one in model._meta.concrete_fields} if model else {}
    return fields.get(name)


def label(model: type[Model] | None, name: str) -> str:
    """The panel's name of a value."""
    named = words.FIELDS.get(model, {}) if model else {}
    return str(named.get(name) or OTHERS.get(name) or name.replace("_", " "))


def value(model: type[Model] | None, name: str, found: Any) -> str:
    """A value as the panel shows it."""
    if name == "changes" and found:
        return message(Changes.from_json(found).sentences())
    field = field_of(model, name)
    choices = dict(field.flatchoices) if field else {}
    return str(choices[found]) if isinstance(found, str) and found in choices else plain(found)


def plain(found: Any) -> str:
    """A value without a field: numbers and times in the reader's language, hashes cut."""
    if isinstance(found, bool):
        return gettext("yes") if found else gettext("no")
    if found in (None, "", [], {}):
        return "–"
    if isinstance(found, int | float):
        return number_format(found)
    if isinstance(found, Mapping):
        return ", ".join(f"{label(None, key)} {plain(one)}" for key, one in found.items())
    if isinstance(found, list):
        return ", ".join(map(plain, found))
    text = str(found)
    if SHA256.fullmatch(text):
        return f"{text[:16]}…"
    return moment(text) if MOMENT.fullmatch(text) else text


def moment(text: str) -> str:
    """A stored time or day in the reader's language and zone."""
    try:
        if len(text) <= 10:
            return date_format(date.fromisoformat(text), "DATE_FORMAT")
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return date_format(timezone.localtime(at) if timezone.is_aware(at) else at, "DATETIME_FORMAT")
