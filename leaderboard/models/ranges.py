"""Ranges of ranks, and which boards have theirs."""

from __future__ import annotations

from django.db import models

from leaderboard.models.competition import Competition
from leaderboard.models.evaluation import Evaluation
from leaderboard.models.team import Team


class RankRange(models.Model):
    """The public ranks that a team could have on other images of the same kind, at 95 %."""

    team = models.OneToOneField(Team, models.CASCADE, primary_key=True, related_name="rank_range")
    evaluation = models.ForeignKey(
        Evaluation,
        models.CASCADE,
        related_name="+",
        help_text="What the range was computed for. An entry of another evaluation has no range "
        "yet.",
    )
    first = models.PositiveIntegerField()
    last = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.team}: likely {self.first} to {self.last}"


class Ranged(models.Model):
    """The version of a competition's public board for which the ranges were computed."""

    competition = models.OneToOneField(
        Competition, models.CASCADE, primary_key=True, related_name="ranged"
    )
    version = models.CharField(max_length=32, blank=True)
    at = models.DateTimeField(null=True)
    seconds = models.FloatField(default=0.0, help_text="How long it took.")

    def __str__(self) -> str:
        return f"ranges of {self.competition}"
