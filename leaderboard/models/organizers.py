"""Who organizes what: the one place that decides it.

Today an organizer is a person with `is_staff`, for all competitions alike. A role for one
competition would change these two functions, and nothing that calls them. Only the panel's entrance
is Django's own: `is_staff` opens it.
"""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q

from leaderboard.models.user import User


def is_organizer(user: User | AnonymousUser, competition_id: int | None = None) -> bool:
    """Whether a person may do organizers' acts on a competition, given by its key.

    Without a key: on things that all competitions share, such as datasets and hardware profiles.
    """
    return user.is_staff


def organized_by(user: User | AnonymousUser, *, competition: str) -> Q:
    """The condition on a row that a person organizes the row's competition. `competition` is the
    path from the row to its competition."""
    return Q((f"{competition}__isnull", False)) if user.is_staff else Q((f"{competition}__in", []))
