"""What a notice says, in the language of its reader. A row holds its kind and its facts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import formats
from django.utils.translation import gettext, ngettext

from leaderboard import sentences
from leaderboard.models import Notice

Kind = Notice.Kind
Facts = dict[str, Any]
Words = tuple[str, str]
"""The title and the text."""


def said(notice: Notice) -> Words:
    """The title and the text of a notice."""
    facts = {**notice.facts, "competition": notice.competition.title}
    return WORDS[Kind(notice.kind)](notice, facts)


def scored(notice: Notice, facts: Facts) -> Words:
    facts |= {"score": number(facts["score"]), "half_width": number(facts["half_width"])}
    title = gettext("Submission #%(submission)d of %(team)s is scored: %(score)s ± %(half_width)s")
    if not facts["is_best"]:
        text = gettext("Another submission of your team stands on the board.")
    elif facts["rank"] is None:
        text = gettext("Its quality is below the gate of %(competition)s, so it has no rank.")
    else:
        text = gettext(
            "It is your team's best submission to %(competition)s. It has rank %(rank)d on the "
            "public board."
        )
    return title % facts, text % facts


def failed(notice: Notice, facts: Facts) -> Words:
    title = gettext("Submission #%(submission)d of %(team)s failed") % facts
    return title, sentences.message(facts["said"])


def overtaken(notice: Notice, facts: Facts) -> Words:
    title = gettext("%(by)s overtakes %(team)s in %(competition)s")
    text = gettext("%(team)s now has rank %(rank)d on the public board.")
    return title % facts, text % facts


def invited(notice: Notice, facts: Facts) -> Words:
    facts["end"] = moment(notice, facts["expires_at"])
    title = gettext("%(by)s invites you to the team %(team)s")
    text = gettext("The team competes in %(competition)s. The invitation is valid until %(end)s.")
    return title % facts, text % facts


def announcement(notice: Notice, facts: Facts) -> Words:
    return f"{facts['competition']}: {facts['title']}", facts["text"]


def quota_back(notice: Notice, facts: Facts) -> Words:
    if "uploads" in facts:
        title = gettext("%(team)s can upload again")
        text = ngettext(
            "%(uploads)d upload to %(competition)s is left today.",
            "%(uploads)d uploads to %(competition)s are left today.",
            facts["uploads"],
        )
    else:
        title = gettext("Submission #%(submission)d of %(team)s was not measured")
        if facts["why"] == "error":
            text = gettext(
                "Our machines failed several times. You get the upload back: it uses no quota."
            )
        else:
            text = gettext(
                "It was cancelled before its measurement. You get the upload back: it uses no "
                "quota."
            )
    return title % facts, text % facts


def ends_soon(notice: Notice, facts: Facts) -> Words:
    facts["end"] = moment(notice, facts["ends_at"])
    title = gettext("%(competition)s ends in less than a day")
    text = gettext("Uploads before %(end)s count. Check your final selection, too.")
    return title % facts, text % facts


def published(notice: Notice, facts: Facts) -> Words:
    title = gettext("The private board of %(competition)s is published")
    return title % facts, gettext("The final ranking is open to everybody.")


def number(value: float) -> str:
    return formats.number_format(f"{value:.4f}")


def moment(notice: Notice, stored: str) -> str:
    """A stored time in the competition's zone, which it names."""
    zone = notice.competition.time_zone
    local = datetime.fromisoformat(stored).astimezone(ZoneInfo(zone))
    # Translators: a date and time, in the letters of Django's `date` filter.
    return f"{formats.date_format(local, gettext('j M Y, H:i'))} ({zone})"


WORDS: dict[Kind, Callable[[Notice, Facts], Words]] = {
    Kind.SCORED: scored,
    Kind.FAILED: failed,
    Kind.OVERTAKEN: overtaken,
    Kind.INVITED: invited,
    Kind.ANNOUNCEMENT: announcement,
    Kind.QUOTA_BACK: quota_back,
    Kind.ENDS_SOON: ends_soon,
    Kind.PUBLISHED: published,
}
