"""API tokens: shown once, stored as a hash, with an end."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext

from leaderboard.errors import Conflict, NotFound, Refused
from leaderboard.models import ApiToken, User
from leaderboard.services import locks, names

LONGEST_DAYS = 365
LONGEST_NAME = 80
MOST_TOKENS = 20


@transaction.atomic
def issue(*, user: User, name: str, days: int = 90) -> tuple[ApiToken, str]:
    """A new token and its secret, which is never shown again."""
    name = names.clean(
        name, longest=LONGEST_NAME, what=gettext("A token's name"), code="bad_token_name"
    )
    if not 1 <= days <= LONGEST_DAYS:
        raise Refused(
            gettext("A token is valid for 1 to %(most)d days.") % {"most": LONGEST_DAYS},
            code="bad_token_lifetime",
        )
    if ApiToken.objects.filter(user=locks.lock(user)).count() >= MOST_TOKENS:
        raise Conflict(
            gettext(
                "You have %(most)d tokens, which is the limit; revoke one first, for instance an "
                "expired one."
            )
            % {"most": MOST_TOKENS},
            code="too_many_tokens",
        )
    token, secret = ApiToken.objects.create(user, expiry=timedelta(days=days), name=name)
    return token, secret


def revoke(*, user: User, token_key: str) -> None:
    """Revoke a token. Raises `NotFound` unless it is this person's own."""
    removed, _ = ApiToken.objects.filter(user=user, token_key=token_key).delete()
    if not removed:
        raise NotFound(gettext("You have no such token."), code="unknown_token")


def revoke_all(user: User) -> None:
    """Revoke all tokens of a person. A new password may be meant against a person who has a
    token."""
    ApiToken.objects.filter(user=user).delete()
