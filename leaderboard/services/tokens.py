"""API tokens: shown once, stored as a hash, with a scope and an end.

A token may be limited to one competition. It does nothing for its person elsewhere then, and sees
nothing of this person's there.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.errors import Conflict, NotAllowed, NotFound, Refused
from leaderboard.models import ApiToken, Competition, Device, Scope, User
from leaderboard.services import audit, locks, names

LONGEST_DAYS = 365
LONGEST_NAME = 80
MOST_TOKENS = 20
BETWEEN_NOTES = timedelta(minutes=1)
"""So often a use is noted, so that most requests write nothing."""
Rows = TypeVar("Rows", bound=models.QuerySet)  # type: ignore[type-arg]


@transaction.atomic
def issue(
    *,
    user: User,
    name: str,
    days: int = 90,
    scope: str = Scope.MANAGE,
    competition: Competition | None = None,
) -> tuple[ApiToken, str]:
    """A new token and its secret, which is never shown again."""
    name = names.clean(
        name, longest=LONGEST_NAME, what=gettext("A token's name"), code="bad_token_name"
    )
    if not 1 <= days <= LONGEST_DAYS:
        raise Refused(
            gettext("A token is valid for 1 to %(most)d days.") % {"most": LONGEST_DAYS},
            code="bad_token_lifetime",
        )
    check_is_scope(scope)
    check_room(locks.lock(user))
    token, secret = ApiToken.objects.create(
        user, expiry=timedelta(days=days), name=name, scope=scope, competition=competition
    )
    audit.record(audit.Act.TOKEN_ISSUED, user, by=user, after=facts(token))
    return token, secret


def facts(token: ApiToken) -> dict[str, object]:
    """What the audit log tells of a token."""
    only = {"competition": token.competition.slug} if token.competition else {}
    return {"name": token.name, "scope": token.scope, **only}


def check_is_scope(scope: str) -> None:
    """Raises `Refused` for a word that is no scope."""
    if scope not in Scope.values:
        raise Refused(
            gettext("The scope of a token must be one of: %(scopes)s.")
            % {"scopes": ", ".join(Scope.values)},
            code="bad_scope",
        )


def check_room(user: User) -> None:
    """Raises `Conflict` for a person who has as many tokens as one may have."""
    if ApiToken.objects.filter(user=user).count() >= MOST_TOKENS:
        raise Conflict(
            gettext(
                "You have %(most)d tokens, which is the limit. Revoke one first, for example "
                "an expired one."
            )
            % {"most": MOST_TOKENS},
            code="too_many_tokens",
        )


def of(user: User) -> models.QuerySet[ApiToken]:
    """A person's tokens, the newest first."""
    mine: models.QuerySet[ApiToken] = ApiToken.objects.filter(user=user)
    return mine.select_related("competition")


def note_use(token: ApiToken) -> None:
    """Note that a token is used, at most once a minute."""
    now = timezone.now()
    if token.used_at is None or now - token.used_at >= BETWEEN_NOTES:
        token.used_at = now
        ApiToken.objects.filter(pk=token.pk).update(used_at=now)


def check_scope(token: ApiToken | None, needed: Scope) -> None:
    """Whether a token is enough for a call; without a token a person signed in by the browser.

    Raises `NotAllowed` (token_scope).
    """
    if token is None or Scope(token.scope).includes(needed):
        return
    facts = {"name": token.name, "scope": token.scope, "needed": needed.value}
    raise NotAllowed(
        gettext(
            "The token “%(name)s” has the scope “%(scope)s”. This call needs “%(needed)s”. Make a "
            "token with this scope on your profile page."
        )
        % facts,
        code="token_scope",
    )


def check_competition(token: ApiToken | None, slug: str | None) -> None:
    """Whether a token is for a competition. `slug`: None for what belongs to the whole account.

    Raises `NotAllowed` (token_competition).
    """
    if token is None or is_for(token, slug):
        return
    only: Competition = token.competition  # type: ignore[assignment]  # else it is for all
    raise NotAllowed(
        gettext(
            "The token “%(name)s” is only for the competition %(slug)s. Make a token for "
            "this call on your profile page."
        )
        % {"name": token.name, "slug": only.slug},
        code="token_competition",
    )


def is_for(token: ApiToken | None, slug: str | None) -> bool:
    """Whether a request with this token sees what is its person's in a competition."""
    only: Competition | None = token.competition if token else None
    return only is None or only.slug == slug


def within(token: ApiToken | None, rows: Rows) -> Rows:
    """Of rows that belong to competitions, those that a token is for."""
    if token is None or token.competition_id is None:
        return rows
    found: Rows = rows.filter(competition=token.competition_id)
    return found


@transaction.atomic
def revoke(*, user: User, token_key: str, by: User) -> None:
    """Revoke a token. Raises `NotFound` unless it is this person's own."""
    token = of(user).filter(token_key=token_key).first()
    if token is None or not ApiToken.objects.filter(pk=token.pk).delete()[0]:
        raise NotFound(gettext("You have no such token."), code="unknown_token")
    audit.record(audit.Act.TOKEN_REVOKED, user, by=by, before=facts(token))


@transaction.atomic
def revoke_all(user: User, *, by: User) -> None:
    """Revoke all tokens of a person, and those that commands are about to get. A new password may
    be meant against a person who has a token."""
    Device.objects.filter(user=user).delete()
    for token in of(user):
        revoke(user=user, token_key=token.token_key, by=by)
