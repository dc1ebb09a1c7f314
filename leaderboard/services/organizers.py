"""Organizers' acts are for organizers: every service that does one asks here first."""

from __future__ import annotations

from django.utils.translation import gettext

from leaderboard.errors import NotAllowed
from leaderboard.models import Competition, User
from leaderboard.models.organizers import is_organizer, sees_all


def check_organizer(by: User, competition: Competition | None = None) -> None:
    """Raises `NotAllowed` unless a person organizes the competition.

    Without a competition: what all competitions share, such as a dataset or a hardware profile.
    """
    if not is_organizer(by, competition.pk if competition else None):
        raise NotAllowed(gettext("Only organizers can do this."))


def check_reader(by: User, competition: Competition) -> None:
    """Raises `NotAllowed` unless a person may see what organizers of the competition see."""
    if not sees_all(by, competition.pk):
        raise NotAllowed(gettext("Only organizers can do this."))
