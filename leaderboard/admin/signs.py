"""Signs of probing and of copies, for organizers. A sign is no proof, and nothing follows by
itself."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy, ngettext
from unfold.decorators import display

from leaderboard.admin import pages
from leaderboard.models import Competition, Membership
from leaderboard.services import doubles as services
from leaderboard.services import gains, likeness
from leaderboard.services.doubles import Sign
from leaderboard.services.likeness import Pair

SIGNS = {
    Sign.MAIL: gettext_lazy(
        "The addresses are the same except for dots and a tag after a plus sign."
    ),
    Sign.NAME: gettext_lazy("The user names look alike."),
    Sign.MODEL: gettext_lazy("The teams sent the same model."),
    Sign.ANSWERS: gettext_lazy("Models of the teams give almost the same wrong answers."),
}

TITLE = gettext_lazy("Probing and copies")
"""The title of the tab with these fields."""


class Signs(pages.Noun):
    """The fields of a competition's form that show signs."""

    @display(description=gettext_lazy("Steps below noise"))
    @pages.once
    def probing(self, competition: Competition) -> SafeString | str:
        return probing(competition) if competition.pk else "–"

    @display(description=gettext_lazy("Signs of copies"))
    @pages.once
    def copies(self, competition: Competition) -> SafeString | str:
        return copies(competition) if competition.pk else "–"

    @display(description=gettext_lazy("Accounts that look like one"))
    @pages.once
    def doubles(self, competition: Competition) -> SafeString | str:
        return doubles(competition) if competition.pk else "–"


def probing(competition: Competition) -> SafeString | str:
    """The teams with the most steps below noise."""
    rows = [(pages.link(team), steps(count)) for team, count in gains.probing(competition)]
    return pages.figures(rows) or gettext("None.")


def steps(count: int) -> str:
    sentence = ngettext("%(count)d step below noise", "%(count)d steps below noise", count)
    return sentence % {"count": count}


def copies(competition: Competition) -> SafeString | str:
    """The same model, and almost the same answers, in two teams."""
    rows = [(both(pair), what(pair)) for pair in likeness.pairs(competition)]
    return pages.figures(rows) or gettext("None.")


def doubles(competition: Competition) -> SafeString | str:
    """Accounts in two teams that look like one person's."""
    rows = [
        (
            format_html("{}<br>{}", account(double.first), account(double.second)),
            " ".join(str(SIGNS[sign]) for sign in double.signs),
        )
        for double in services.doubles(competition)
    ]
    return pages.figures(rows) or gettext("None.")


def account(member: Membership) -> SafeString:
    return format_html("{} ({})", member.user, pages.link(member.team))


def both(pair: Pair) -> SafeString:
    return format_html("{}<br>{}", pages.link(pair.first), pages.link(pair.second))


def what(pair: Pair) -> str:
    if pair.share is None:
        return gettext("The same model.")
    sentence = gettext(
        "Almost the same answers: of the %(wrong)d public images that either model answers "
        "wrongly, both give the same wrong answer to %(share)s."
    )
    return sentence % {"wrong": pair.wrong, "share": f"{pair.share:.0%}"}
