"""Who organizes what: the one place that decides it.

Today an organizer is a person with `is_staff`, for all competitions alike. A role for one
competition changes the two functions here and nothing that asks them.
"""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q

from leaderboard.models.user import User


def is_organizer(user: User | AnonymousUser, competition_id: int | None = None) -> bool:
    """Whether a person may do organizers' acts on a competition, named by its key.

    Without a competition: on what all competitions share, such as datasets, hardware profiles and
    new competitions.
    """
    return user.is_staff


def organized_by(user: User | AnonymousUser, *, competition: str) -> Q:
    """The condition on a row that a person organizes the competition in its field `competition`."""
    return Q((f"{competition}__isnull", False)) if user.is_staff else Q((f"{competition}__in", []))
