"""Checks of `manage.py check` about the sandbox. With --deploy, models try to escape from it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register

from leaderboard.services import containment
from scoring.job import Plan

CODES = {"sandbox_unavailable": "featherweight.E001", "breached": "featherweight.E002"}
OTHER = "featherweight.E003"


@register(Tags.security)
def weak_sandboxes_are_for_development(**_: Any) -> list[CheckMessage]:
    if not settings.ALLOW_WEAK_SANDBOX:
        return []
    return [Warning(containment.WEAK, hint="Unset it.", id="featherweight.W001")]


@register(Tags.security, deploy=True)
def images_are_pinned(**_: Any) -> list[CheckMessage]:
    """Only a digest fixes the content of an image. The content of a tag can change."""
    loose = [name for name in settings.OTHER_IMAGES if "@sha256:" not in name]
    if not loose:
        return []
    message = f"Named by a tag, not by a digest: {', '.join(loose)}."
    return [Warning(message, hint=".env.example says how to pin them.", id="featherweight.W002")]


@register(Tags.security, deploy=True)
def the_sandbox_holds(**_: Any) -> list[CheckMessage]:
    """Try the sandbox on the processor. Workers on a GPU try it themselves when they start."""
    if not containment.can_be_tried():
        return [
            Info(
                "PyTorch is not installed here, so the sandbox was not tried.",
                hint="Run this where a worker runs.",
                id="featherweight.I001",
            )
        ]
    if flaw := containment.flaw(Plan()):
        return [
            Error(
                flaw.message,
                hint="Workers take no work here; SECURITY.md says what they need.",
                id=CODES.get(flaw.code, OTHER),
            )
        ]
    return []
