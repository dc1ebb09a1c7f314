"""Signs of probing and of copies, for organizers. A sign is no proof, and nothing follows by
itself."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from leaderboard.admin import pages
from leaderboard.models import Competition
from leaderboard.services import gains, likeness
from leaderboard.services.likeness import Pair


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


def both(pair: Pair) -> SafeString:
    return format_html("{}<br>{}", pages.link(pair.one), pages.link(pair.other))


def what(pair: Pair) -> str:
    if pair.share is None:
        return gettext("The same model.")
    sentence = gettext(
        "Almost the same answers: of the %(wrong)d public images that either model answers "
        "wrongly, both give the same wrong answer to %(share)s."
    )
    return sentence % {"wrong": pair.wrong, "share": f"{pair.share:.0%}"}
