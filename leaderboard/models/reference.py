"""Models of the organizers: the reference that every submission is compared with, and baselines."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from leaderboard.models.competition import Competition
from scoring import formats


class OrganizersModel(models.Model):
    """A stored file of the organizers, with what the gate found in it."""

    file = models.FileField(max_length=200)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField()
    static = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        abstract = True

    @property
    def format(self) -> str:
        """The name of its format in the table `scoring.formats.FORMATS`."""
        return str(self.static.get("format", ""))

    @property
    def format_title(self) -> str:
        """The name of its format for people."""
        return formats.title(self.format)

    @property
    def number_type(self) -> str:
        """The narrowest type of its weights, e.g. float32."""
        return formats.number_type(self.static.get("dtypes", ()))

    @property
    def parameters(self) -> int:
        return int(self.static.get("parameters", 0))


class ReferenceModel(OrganizersModel):
    """The organizers' model. Every submission is timed against it, in the same minutes."""

    competition = models.ForeignKey(Competition, models.CASCADE, related_name="references")
    name = models.CharField(
        max_length=120, blank=True, help_text=_("Shown as the baseline, for example ResNet18-D.")
    )

    class Meta:
        ordering = ["-created_at"]

    @property
    def structure(self) -> str:
        """The fingerprint of its network; empty if it is not known."""
        return str(self.static.get("structure", ""))

    def __str__(self) -> str:
        return self.name or f"reference {self.sha256[:8]}"
