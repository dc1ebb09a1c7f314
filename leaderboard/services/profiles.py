"""Hardware profiles are made and changed.

Once a profile has measured, its machine is fixed. While a competition runs by it, its published
ratio is fixed, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from leaderboard.errors import Conflict, NotFound, Refused
from leaderboard.models import (
    Competition,
    Evaluation,
    HardwareProfile,
    QueueShare,
    User,
    Worker,
)
from leaderboard.models.counts import count_of
from leaderboard.models.hardware import LEAST_WEIGHT, MOST_WEIGHT
from leaderboard.services import audit, organizers
from leaderboard.services.workers import ALIVE

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

MACHINE = frozenset({"slug", "device", "threads"})


@dataclass(frozen=True)
class Preset:
    """First values of a profile for a kind of machine. Others have the model's own."""

    name: str
    title: StrPromise
    why: StrPromise
    values: Mapping[str, object]

    def profile(self) -> HardwareProfile:
        return HardwareProfile(**self.values)


PRESETS = (
    Preset(
        "laptop",
        gettext_lazy("Laptop"),
        gettext_lazy(
            "For trying things out. The speed of a laptop changes with heat, battery and "
            "other programs. So intervals are wider, and the self-checks of workers are less "
            "strict."
        ),
        {
            "target_half_width": 0.03,
            "max_half_width": 0.08,
            "canary_band": 0.05,
            "max_foreign_load": 1.0,
        },
    ),
    Preset(
        "lab",
        gettext_lazy("Lab server"),
        gettext_lazy(
            "For a real competition: a quiet machine with fixed speed that does nothing "
            "else. Every new profile starts with these values."
        ),
        {},
    ),
    Preset(
        "gpu",
        gettext_lazy("GPU"),
        gettext_lazy(
            "One NVIDIA GPU that no other program uses. Models in TorchScript run on it, "
            "ONNX models do not. The other values are those of the lab server."
        ),
        {"device": HardwareProfile.Device.CUDA},
    ),
)


def preset(name: str) -> Preset | None:
    return next((one for one in PRESETS if one.name == name), None)


@transaction.atomic
def save(*, profile: HardwareProfile, by: User) -> None:
    """Write a new profile, or the changes on this object."""
    organizers.check_organizer(by)
    row = HardwareProfile.objects.select_for_update().filter(pk=profile.pk).first()
    if row:
        check_fixed(row, profile)
    profile.save()
    names = [field.name for field in HardwareProfile._meta.concrete_fields]
    was = audit.state(row, *names) if row else {}
    now = audit.state(profile, *names)
    audit.record(audit.Act.PROFILE_SAVED, profile, by=by, before=was, after=now)


def check_fixed(row: HardwareProfile, profile: HardwareProfile) -> None:
    """Raises `Conflict` if a field differs from the stored row that may no longer change."""
    if any(getattr(row, name) != getattr(profile, name) for name in fixed_fields(row)):
        raise Conflict(
            gettext(
                "Slug, device and threads of %(profile)s are fixed, because something was "
                "measured there. The published ratio is fixed while a competition runs there. Add "
                "another profile instead."
            )
            % {"profile": row},
            code="profile_measured",
        )


def fixed_fields(profile: HardwareProfile) -> frozenset[str]:
    """The fields that may no longer change, because all times on one board must mean the same."""
    states = Competition.State
    running = Competition.objects.filter(profile=profile).exclude(
        state__in=[states.DRAFT, states.PUBLISHED]
    )
    measured = MACHINE if Evaluation.every.filter(profile=profile.pk).exists() else frozenset()
    return measured | {"published"} if running.exists() else measured


def weights_of(profile: HardwareProfile) -> list[tuple[Competition, float]]:
    """The competitions of a profile that are not over, each with its weight in the queue."""
    going = profile.competition_set.exclude(state=Competition.State.PUBLISHED)
    rows = going.select_related("share").order_by("title", "pk")
    return [(one, one.share.weight if hasattr(one, "share") else 1.0) for one in rows]


@transaction.atomic
def share(*, profile: HardwareProfile, weights: Mapping[int, float], by: User) -> None:
    """Write the weights of competitions in a profile's queue, by the competitions' keys."""
    organizers.check_organizer(by)
    was = {competition.pk: (competition, weight) for competition, weight in weights_of(profile)}
    if unknown := set(weights) - set(was):
        raise NotFound(
            gettext("No competition of %(profile)s has the number %(number)s.")
            % {"profile": profile, "number": min(unknown)}
        )
    for key, weight in weights.items():
        if not LEAST_WEIGHT <= weight <= MOST_WEIGHT:
            raise Refused(
                gettext("A weight is between %(least)s and %(most)s.")
                % {"least": f"{LEAST_WEIGHT:g}", "most": f"{MOST_WEIGHT:g}"},
                code="bad_weight",
            )
        competition, before = was[key]
        if weight == before:
            continue
        QueueShare.objects.update_or_create(competition=competition, defaults={"weight": weight})
        audit.record(
            audit.Act.SHARES_SET,
            competition,
            by=by,
            before={"weight": before},
            after={"weight": weight},
        )


def number_of_fit_workers() -> Any:
    """How many workers of the outer profile are seen and take work."""
    fit = Worker.objects.filter(
        seen_at__gt=timezone.now() - ALIVE, state=Worker.State.READY, drained_at=None
    )
    return count_of(fit, "profile")


def with_counts(profiles: QuerySet[HardwareProfile]) -> QuerySet[HardwareProfile]:
    """The profiles, each with the numbers of `queued` and `running` evaluations and of workers
    that are `alive`."""
    states = Evaluation.State
    return profiles.annotate(
        queued=count_of(Evaluation.objects.filter(state=states.QUEUED), "profile"),
        running=count_of(Evaluation.objects.filter(state=states.RUNNING), "profile"),
        alive=count_of(Worker.objects.filter(seen_at__gt=timezone.now() - ALIVE), "profile"),
    )
