"""Who organizes what: the one place that decides it.

An operator is a superuser: all competitions, and what they share. A `Role` makes a person owner,
organizer or viewer of one competition. Who has neither is a participant.
"""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q

from leaderboard.models.role import Role
from leaderboard.models.user import User


def is_operator(user: User | AnonymousUser) -> bool:
    """Whether a person may do everything, also to what all competitions share."""
    return user.is_active and user.is_superuser


def is_organizer(user: User | AnonymousUser, competition_id: int | None = None) -> bool:
    """Whether a person may do organizers' acts on a competition, given by its key.

    Without a key: on things that all competitions share, such as datasets and hardware profiles.
    """
    return is_operator(user) or (
        competition_id is not None and roles_of(user).get(competition_id) in Role.ACTING
    )


def is_owner(user: User | AnonymousUser, competition_id: int) -> bool:
    """Whether a person may give and end roles of a competition."""
    return is_operator(user) or roles_of(user).get(competition_id) == Role.Kind.OWNER


def sees_all(user: User | AnonymousUser, competition_id: int) -> bool:
    """Whether a person may see what participants of a competition do not: with any role."""
    return is_operator(user) or competition_id in roles_of(user)


def enters_panel(user: User | AnonymousUser) -> bool:
    """Whether the panel has something for a person: an operator, or somebody with a role."""
    return is_operator(user) or (user.is_active and bool(roles_of(user)))


def roles_of(user: User | AnonymousUser) -> dict[int, str]:
    """The kinds of a person's roles, by the keys of the competitions."""
    if not user.is_authenticated:
        return {}
    return dict(Role.objects.filter(user=user.pk).values_list("competition", "kind").order_by())


def organized_by(user: User | AnonymousUser, *, competition: str) -> Q:
    """The condition on a row that a person has a role in the row's competition, also as a viewer.
    `competition` is the path from the row to its competition."""
    if is_operator(user):
        return Q(pk__isnull=False)
    roles = Role.objects.filter(user=user.pk) if user.is_authenticated else Role.objects.none()
    return Q((f"{competition}__in", roles.order_by().values("competition")))
