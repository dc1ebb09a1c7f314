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
            "The submission counts in %(competition)s. You see its score when the organizers "
            "publish all scores."
        )
        return title % facts, text % facts
    score = sizes.interval(facts["score"], facts["half_width"], 4)
    title = gettext("Submission #%(submission)d of %(team)s is scored: %(score)s")
    if facts.get("is_late"):
        text = gettext("It was uploaded after the end of %(competition)s, so it has no rank.")
    elif not facts["is_best"]:
        text = gettext("Another submission of your team is on the board.")
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
                "Our machines failed several times. You get the upload back: this submission "
                "does not count."
            )
        else:
            text = gettext(
                "It was cancelled before its measurement. You get the upload back: this "
                "submission does not count."
            )
    return title % facts, text % facts


def verification(facts: Facts) -> Words:
    """By the state: asked, verified, refused, missed or withdrawn."""
    said = {
        "asked": (
            gettext("%(team)s is asked for its code or a report (%(competition)s)"),
            gettext("Hand it in before %(end)s: %(wish)s"),
        ),
        "verified": (
            gettext("%(team)s is verified (%(competition)s)"),
            gettext("The organizers verified what your team sent."),
        ),
        "refused": (
            gettext("The verification of %(team)s is refused (%(competition)s)"),
            gettext("The team now has no rank on the private board. The reason: %(reason)s"),
        ),
        "missed": (
            gettext("%(team)s sent nothing for its verification (%(competition)s)"),
            gettext(
                "The date %(end)s has passed, so the team now has no rank on the private "
                "board. Write to the organizers if this is wrong."
            ),
        ),
        "withdrawn": (
            gettext("%(team)s withdrew from its verification (%(competition)s)"),
            gettext("The team now has no rank on the private board."),
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
    until = gettext("You can use them until %(end)s. The organizers' reason: %(reason)s")
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
        title = gettext("You can take part in %(competition)s")
        text = gettext("The organizers accepted your application. Create a team or join one.")
    else:
        title = gettext("Your application to %(competition)s was refused")
        text = gettext("The organizers' reason: %(reason)s")
    return title % facts, text % facts


CHANGES = {
    "renamed": (
        _("The organizers renamed your team: %(team)s"),
        _("Its name was %(former)s. The organizers' reason: %(reason)s"),
    ),
    "merged": (
        _("%(other)s has merged into %(team)s"),
        _(
            "Members, submissions and used uploads of both teams are now in %(team)s. The "
            "reason: %(reason)s"
        ),
    ),
    "offer_accepted": (
        _("%(other)s has merged into %(team)s"),
        _(
            "Members, submissions and used uploads of both teams are now in %(team)s. Both "
            "captains agreed."
        ),
    ),
    "split": (
        _("%(person)s now has a separate team in %(competition)s: %(other)s"),
        _("The submissions stay with %(team)s. The organizers' reason: %(reason)s"),
    ),
    "disqualified": (
        _("Submission #%(submission)d of %(team)s is disqualified"),
        _("It is now on no board of %(competition)s. The organizers' reason: %(reason)s"),
    ),
    "reinstated": (
        _("Submission #%(submission)d of %(team)s counts again"),
        _("It is no longer disqualified in %(competition)s. The organizers' reason: %(reason)s"),
    ),
    "banned": (
        _("The organizers banned %(team)s from %(competition)s"),
        _("Your team can no longer upload. The organizers' reason: %(reason)s"),
    ),
    "person_banned": (
        _("The organizers banned %(person)s from %(competition)s"),
        _(
            "%(person)s can no longer upload, join a team or create one. The organizers' "
            "reason: %(reason)s"
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
        _("The organizers removed %(person)s from %(team)s"),
        _("The submissions stay with %(team)s. The organizers' reason: %(reason)s"),
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
            "%(failures)d calls to %(host)s failed in a row. Correct the address, and resume "
            "the webhook on its page."
        ),
    ),
    Kind.OVERTAKEN: (
        _("%(by)s has overtaken %(team)s in %(competition)s"),
        _("%(team)s now has rank %(rank)d on the public board."),
    ),
    Kind.INVITED: (
        _("%(by)s invites you to %(team)s"),
        _("The team competes in %(competition)s. The invitation is valid until %(end)s."),
    ),
    Kind.MERGE_ASKED: (
        _("%(other)s asks %(team)s to merge into it"),
        _(
            "Your team would no longer exist in %(competition)s, and its members and "
            "submissions would go to %(other)s. Decide on the page of your team."
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
        _("Version %(version)d of the scores now applies. The reason: %(why)s"),
    ),
    Kind.PUBLISHED: (
        _("The private board of %(competition)s is published"),
        _("Everybody can now see the final ranking."),
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
