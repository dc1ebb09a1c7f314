"""API tokens: shown once, kept as a hash, expiring."""

from __future__ import annotations

from datetime import timedelta

from leaderboard.errors import NotFound, Refused
from leaderboard.models import ApiToken, User
from leaderboard.services import names

LONGEST_DAYS = 365
LONGEST_NAME = 80


def issue(*, user: User, name: str, days: int = 90) -> tuple[ApiToken, str]:
    """A new token and its secret, which cannot be shown again."""
    name = names.clean(name, longest=LONGEST_NAME, what="A token's name", code="bad_token_name")
    if not 1 <= days <= LONGEST_DAYS:
        raise Refused(f"A token lives 1 to {LONGEST_DAYS} days.", code="bad_token_lifetime")
    token, secret = ApiToken.objects.create(user, expiry=timedelta(days=days), name=name)
    return token, secret


def revoke(*, user: User, token_key: str) -> None:
    """Raises `NotFound` unless the token is this user's own."""
    removed, _ = ApiToken.objects.filter(user=user, token_key=token_key).delete()
    if not removed:
        raise NotFound("You have no such token.", code="unknown_token")
