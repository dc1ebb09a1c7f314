"""What people choose for themselves, and what operators change of an account."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext

from leaderboard import times
from leaderboard.errors import Refused
from leaderboard.models import ApiToken, User
from leaderboard.services import audit, tokens

RIGHTS = ("username", "is_active", "is_staff", "is_superuser")
"""The fields of an account that the audit log tells."""

THEMES = ("light", "dark")


def choose_language(*, person: User, code: str) -> None:
    """Show this person the site in one of its languages; with "", in the one the browser asks for.

    Raises `Refused` (unknown_language).
    """
    if code and code not in dict(settings.LANGUAGES):
        raise Refused(gettext("This site does not have that language."), code="unknown_language")
    person.language = code
    person.save(update_fields=["language"])


def choose_zone(*, person: User, name: str) -> None:
    """Show this person all times in one zone; with "", in the zone of each competition.

    Raises `Refused` (unknown_zone).
    """
    if name and name not in times.zones():
        raise Refused(gettext("There is no time zone of this name."), code="unknown_zone")
    person.time_zone = name
    person.save(update_fields=["time_zone"])


def choose_theme(*, person: User, theme: str) -> None:
    """Show this person the site light or dark; with "", as the browser has it.

    Raises `Refused` (unknown_theme).
    """
    if theme not in ("", *THEMES):
        raise Refused(gettext("The site can be light or dark."), code="unknown_theme")
    person.theme = theme
    person.save(update_fields=["theme"])


def see_language(*, person: User, language: str) -> None:
    """Note the language of a person's browser, for mails."""
    if language != person.seen_language and language in dict(settings.LANGUAGES):
        person.seen_language = language
        person.save(update_fields=["seen_language"])


@transaction.atomic
def save(*, person: User, by: User) -> None:
    """Write an account as an operator, new or changed."""
    row = User.objects.filter(pk=person.pk).first() if person.pk else None
    was = audit.state(row, *RIGHTS) if row else {}
    person.save()
    now = audit.state(person, *RIGHTS)
    audit.record(audit.Act.PERSON_SAVED, person, by=by, before=was, after=now)


@transaction.atomic
def make_superuser(*, name: str, password: str, email: str = "") -> User:
    """Make an account that may do everything, with a confirmed address.

    Raises `ValidationError` for a name or an address that no account can have.
    """
    person = User(username=name, email=email, is_staff=True, is_superuser=True)
    person.set_password(password)
    person.full_clean()
    person.save()
    if email:
        EmailAddress.objects.create(user=person, email=email, verified=True, primary=True)
    now = audit.state(person, *RIGHTS)
    audit.record(audit.Act.PERSON_SAVED, person, by=audit.CONSOLE, before={}, after=now)
    return person


@transaction.atomic
def revoke_token(*, token: ApiToken, by: User) -> None:
    """Revoke the token of another person, as an operator."""
    tokens.revoke(user=token.user, token_key=token.token_key, by=by)


@transaction.atomic
def note_password(*, person: User, by: User) -> None:
    """Write down that an operator has set the password of a person, and revoke the tokens."""
    tokens.revoke_all(person, by=by)
    audit.record(audit.Act.PASSWORD_SET, person, by=by)
