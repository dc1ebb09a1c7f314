"""What people choose for themselves."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext

from leaderboard.errors import Refused
from leaderboard.models import User


def choose_language(*, person: User, code: str) -> None:
    """Show this person the site in one of its languages; with "", in the one the browser asks for.

    Raises `Refused` (unknown_language).
    """
    if code and code not in dict(settings.LANGUAGES):
        raise Refused(gettext("This site does not have that language."), code="unknown_language")
    person.language = code
    person.save(update_fields=["language"])


def see_language(*, person: User, language: str) -> None:
    """Note the language of a person's browser, for mails."""
    if language != person.seen_language and language in dict(settings.LANGUAGES):
        person.seen_language = language
        person.save(update_fields=["seen_language"])
