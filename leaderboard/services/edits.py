"""Whom a change of a competition touches, and words to announce the change."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Count, Q
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_lazy, ngettext

from leaderboard.models import Competition, Entry, Evaluation
from leaderboard.services import conditions

SILENT = frozenset({"title", "tagline", "remeasured_ranks", "citation", "publishes_at"})
"""Fields whose change nobody must know of to take part."""
WHO = {
    Competition.Admission.OPEN: gettext_lazy("everybody"),
    Competition.Admission.APPROVAL: gettext_lazy("people whom the organizers accept"),
    Competition.Admission.INVITATION: gettext_lazy("people whom the organizers invite"),
    Competition.Admission.DOMAIN: gettext_lazy("people with an address of certain domains"),
}
"""Who can take part, in the words of participants."""


@dataclass(frozen=True)
class Draft:
    """An announcement that an organizer may send, and whom the change touches."""

    whom: str
    title: str
    text: str


def draft(before: Competition, after: Competition, names: dict[str, str]) -> Draft | None:
    """An announcement of a change by an organizer. `names` has the words for the changed fields.

    None before the competition opens and after its publication, and if no team needs to know the
    change.
    """
    told = {name: words for name, words in names.items() if name not in SILENT}
    if not after.is_public or after.is_published or not told:
        return None
    lines = [line(before, after, name, words) for name, words in told.items()]
    title = (
        gettext("A new end of uploads")
        if set(told) == {"ends_at"}
        else gettext("A change of the competition")
    )
    said = whom_of_tracks(before, after) if set(told) == {"tracks"} else whom(after, told)
    return Draft(said, title, "\n".join(f"- {one}" for one in lines))


def line(before: Competition, after: Competition, name: str, words: str) -> str:
    """The change of one field in a line. Both values are shown if they are short."""
    was, now = (shown(one, name) for one in (before, after))
    facts = {"name": words[:1].upper() + words[1:], "before": was, "after": now}
    if len(was) + len(now) > 120 or "\n" in was + now:
        return gettext("%(name)s: changed. Please read it again.") % facts
    return gettext("%(name)s: %(after)s. Before: %(before)s.") % facts


def shown(competition: Competition, name: str) -> str:
    value = getattr(competition, name)
    if isinstance(value, datetime):
        at = value.astimezone(ZoneInfo(competition.time_zone))
        return f"{date_format(at, 'DATETIME_FORMAT')} ({competition.time_zone})"
    if name == "formats":
        return competition.format_titles()
    if name == "tracks":
        return ", ".join(one.title for one in competition.all_tracks) or gettext("none")
    if name == "admission":
        return str(WHO[competition.Admission(value)])
    if value is None or value == "":
        return gettext("none")
    return f"{value:g}" if isinstance(value, float) else str(value)


def whom(competition: Competition, names: Collection[str]) -> str:
    """Whom a change touches, in a sentence."""
    teams = competition.teams.count()
    if "min_quality" in names:
        public = Entry.objects.filter(competition=competition, board=Entry.Board.PUBLIC)
        below = public.filter(is_ranked=False).count()
        said = ngettext(
            "%(below)d row of the public board is now below the gate.",
            "%(below)d rows of the public board are now below the gate.",
            below,
        )
        return f"{touched(teams)} {said % {'below': below}}"
    if "max_team_size" in names:
        sizes = competition.teams.annotate(size=Count("memberships"))
        larger = sizes.filter(size__gt=competition.max_team_size).count()
        said = ngettext(
            "%(larger)d team is larger. It keeps its members and cannot add more.",
            "%(larger)d teams are larger. They keep their members and cannot add more.",
            larger,
        )
        return said % {"larger": larger}
    return touched(teams)


def touched(teams: int) -> str:
    said = ngettext("This affects %(teams)d team.", "This affects all %(teams)d teams.", teams)
    return said % {"teams": teams}


def whom_of_tracks(before: Competition, after: Competition) -> str:
    """Whom new tracks touch, in a sentence."""
    new = [one for one in after.all_tracks if before.track(one.slug) is None]
    if not new:
        return gettext("Tracks have other names. No board changes.")
    which = Q()
    for track in new:
        which |= conditions.NONE if track.declared else Q(conditions.uploads(track, after))
    counts = Evaluation.objects.counting().filter(which, team__competition=after)
    facts = {"teams": after.teams.count(), "fit": counts.values("team").distinct().count()}
    said = ngettext(
        "%(fit)d of %(teams)d teams has an upload for a new track that needs no declaration.",
        "%(fit)d of %(teams)d teams have an upload for a new track that needs no declaration.",
        facts["fit"],
    )
    return said % facts
