"""Hardware profiles are made and changed.

Once a profile has measured, its machine is fixed. While a competition runs by it, its published
ratio is fixed, too.
"""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext

from leaderboard.errors import Conflict
from leaderboard.models import Competition, HardwareProfile, User
from leaderboard.services import organizers

MACHINE = frozenset({"slug", "device", "threads"})


@transaction.atomic
def save(*, profile: HardwareProfile, by: User) -> None:
    """Write a new profile, or the changes on this object."""
    organizers.check_organizer(by)
    row = HardwareProfile.objects.select_for_update().filter(pk=profile.pk).first()
    if row and any(getattr(row, name) != getattr(profile, name) for name in fixed_fields(row)):
        raise Conflict(
            gettext(
                "Slug, device and threads of %(profile)s are fixed, because something was "
                "measured there. The published ratio is fixed while a competition runs there. Add "
                "another profile instead."
            )
            % {"profile": row},
            code="profile_measured",
        )
    profile.save()


def fixed_fields(profile: HardwareProfile) -> frozenset[str]:
    """The fields that may no longer change: all times on one board must mean the same."""
    states = Competition.State
    running = Competition.objects.filter(profile=profile).exclude(
        state__in=[states.DRAFT, states.PUBLISHED]
    )
    measured = MACHINE if profile.evaluations.exists() else frozenset()
    return measured | {"published"} if running.exists() else measured
