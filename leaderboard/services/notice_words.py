"""What a notice says, in the language of its reader. A row holds its kind and its facts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from leaderboard import sentences, sizes, times
from leaderboard.models import Application, Notice

Kind = Notice.Kind
Facts = dict[str, Any]
Words = tuple[str, str]
"""The title and the text."""


def said(notice: Notice) -> Words:
    """The title and the text of a notice."""
    zone = notice.competition.time_zone
    facts = {**notice.facts, "competition": notice.competition.title}
    if "end" in facts:
        facts["end"] = f"{times.local(datetime.fromisoformat(facts['end']), zone)} ({zone})"
    kind = Kind(notice.kind)
    if kind in PLAIN:
        title, text = PLAIN[kind]
        return str(title) % facts, str(text) % facts
    return CHOSEN[kind](facts)


def scored(facts: Facts) -> Words:
    if facts.get("is_hidden"):
        title = gettext("Submission #%(submission)d of %(team)s is measured")
        text = gettext(
            "It counts in %(competition)s. Its score is shown when the organizers publish all "
            "scores."
        )
        return title % facts, text % facts
    score = sizes.interval(facts["score"], facts["half_width"], 4)
    title = gettext("Submission #%(submission)d of %(team)s is scored: %(score)s")
    if facts.get("is_late"):
        text = gettext("It was uploaded after the end of %(competition)s, so it has no rank.")
    elif not facts["is_best"]:
        text = gettext("Another submission of your team stands on the board.")
    elif facts["rank"] is None:
        text = gettext("Its quality is below the gate of %(competition)s, so it has no rank.")
    else:
        text = gettext(
            "It is your team's best submission to %(competition)s. It has rank %(rank)d on the "
            "public board."
        )
    return title % {**facts, "score": score}, text % facts


def failed(facts: Facts) -> Words:
    title = gettext("Submission #%(submission)d of %(team)s failed") % facts
    return title, sentences.message(facts["said"])


def quota_back(facts: Facts) -> Words:
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


def verification(facts: Facts) -> Words:
    """By the state: asked, verified, refused, missed or withdrawn."""
    said = {
        "asked": (
            gettext("%(team)s is asked for its code or a report (%(competition)s)"),
            gettext("Hand in until %(end)s: %(wish)s"),
        ),
        "verified": (
            gettext("%(team)s is verified (%(competition)s)"),
            gettext("The organizers verified what your team sent."),
        ),
        "refused": (
            gettext("The verification of %(team)s is refused (%(competition)s)"),
            gettext("The team has no rank on the private board now. The reason: %(reason)s"),
        ),
        "missed": (
            gettext("%(team)s sent nothing for its verification (%(competition)s)"),
            gettext(
                "The date %(end)s has passed, so the team has no rank on the private board now. "
                "Write to the organizers if this is wrong."
            ),
        ),
        "withdrawn": (
            gettext("%(team)s withdrew from its verification (%(competition)s)"),
            gettext("The team has no rank on the private board now."),
        ),
    }
    title, text = said[facts["state"]]
    return title % facts, text % facts


def team_changed(facts: Facts) -> Words:
    if facts["change"] != "extra":
        title, text = CHANGES[facts["change"]]
        return str(title) % facts, str(text) % facts
    given = ngettext(
        "%(team)s gets %(uploads)d further upload to %(competition)s",
        "%(team)s gets %(uploads)d further uploads to %(competition)s",
        facts["uploads"],
    )
    until = gettext("They are valid until %(end)s. The reason of the organizers: %(reason)s")
    return given % facts, until % facts


def applied(facts: Facts) -> Words:
    title = gettext("Somebody applies to %(competition)s")
    text = ngettext(
        "%(waiting)d application waits for a decision.",
        "%(waiting)d applications wait for a decision.",
        facts["waiting"],
    )
    return title % facts, text % facts


def application(facts: Facts) -> Words:
    if facts["state"] == Application.State.ACCEPTED:
        title = gettext("You may take part in %(competition)s")
        text = gettext("The organizers accepted your application. Make a team or join one.")
    else:
        title = gettext("Your application to %(competition)s is refused")
        text = gettext("The reason of the organizers: %(reason)s")
    return title % facts, text % facts


CHANGES = {
    "renamed": (
        _("The organizers rename your team: %(team)s"),
        _("Its name was %(former)s. The reason of the organizers: %(reason)s"),
    ),
    "merged": (
        _("%(other)s has joined %(team)s"),
        _(
            "Members, submissions and used uploads of both teams are together in %(team)s. The "
            "reason: %(reason)s"
        ),
    ),
    "offer_accepted": (
        _("%(other)s has joined %(team)s"),
        _(
            "Members, submissions and used uploads of both teams are together in %(team)s: both "
            "captains agreed."
        ),
    ),
    "split": (
        _("%(person)s has a team of their own in %(competition)s: %(other)s"),
        _("The submissions stay with %(team)s. The reason of the organizers: %(reason)s"),
    ),
    "disqualified": (
        _("Submission #%(submission)d of %(team)s is disqualified"),
        _("It is on no board of %(competition)s now. The reason of the organizers: %(reason)s"),
    ),
    "reinstated": (
        _("Submission #%(submission)d of %(team)s counts again"),
        _(
            "It is no longer disqualified in %(competition)s. The reason of the organizers: "
            "%(reason)s"
        ),
    ),
    "banned": (
        _("The organizers ban %(team)s from %(competition)s"),
        _("Your team cannot upload any more. The reason of the organizers: %(reason)s"),
    ),
    "person_banned": (
        _("The organizers ban %(person)s from %(competition)s"),
        _(
            "%(person)s cannot upload, join or make a team any more. The reason of the organizers: "
            "%(reason)s"
        ),
    ),
    "ban_lifted": (
        _("The ban of %(team)s from %(competition)s is lifted"),
        _("Your team can take part again."),
    ),
    "person_ban_lifted": (
        _("The ban of %(person)s from %(competition)s is lifted"),
        _("%(person)s can take part again."),
    ),
    "member_removed": (
        _("The organizers take %(person)s out of %(team)s"),
        _("The submissions stay with %(team)s. The reason of the organizers: %(reason)s"),
    ),
    "captain_changed": (
        _("%(person)s is now the captain of %(team)s"),
        _("The organizers decided this. The reason: %(reason)s"),
    ),
}
"""What organizers change for a team: a title and a text."""
PLAIN = {
    Kind.WEBHOOK_STOPPED: (
        _("A webhook of %(team)s is stopped"),
        _(
            "%(failures)d calls to %(host)s failed, one after the other. Mend the address, and "
            "resume the webhook on its page."
        ),
    ),
    Kind.OVERTAKEN: (
        _("%(by)s overtakes %(team)s in %(competition)s"),
        _("%(team)s now has rank %(rank)d on the public board."),
    ),
    Kind.INVITED: (
        _("%(by)s invites you to %(team)s"),
        _("The team competes in %(competition)s. The invitation is valid until %(end)s."),
    ),
    Kind.MERGE_ASKED: (
        _("%(other)s asks %(team)s to join it"),
        _(
            "Your team would end in %(competition)s, and its members and submissions would go to "
            "%(other)s. You decide on the page of your team."
        ),
    ),
    Kind.ANNOUNCEMENT: ("%(competition)s: %(title)s", "%(text)s"),
    Kind.ASKED: (_("A question about %(competition)s"), "%(text)s"),
    Kind.ANSWERED: (
        _("The organizers of %(competition)s answer: %(asked)s"),
        "%(text)s",
    ),
    Kind.ENDS_SOON: (
        _("%(competition)s ends in less than a day"),
        _("Uploads before %(end)s count. Check your final selection, too."),
    ),
    Kind.RESCORED: (
        _("All scores of %(competition)s have changed"),
        _("Version %(version)d of the scores holds now. The reason: %(why)s"),
    ),
    Kind.PUBLISHED: (
        _("The private board of %(competition)s is published"),
        _("The final ranking is open to everybody."),
    ),
}
"""Kinds with one title and one text."""
CHOSEN: dict[Kind, Callable[[Facts], Words]] = {
    Kind.SCORED: scored,
    Kind.FAILED: failed,
    Kind.QUOTA_BACK: quota_back,
    Kind.VERIFICATION: verification,
    Kind.APPLIED: applied,
    Kind.TEAM_CHANGED: team_changed,
    Kind.APPLICATION: application,
}
"""Kinds whose words depend on the facts."""
