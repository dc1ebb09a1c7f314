"""Ranges of ranks, and which boards have theirs."""

from __future__ import annotations

from django.db import models

from leaderboard.models.competition import Competition
from leaderboard.models.entry import Entry
from leaderboard.models.evaluation import Evaluation
from leaderboard.models.team import Team
from scoring.quality.power import SURE


def half_width(error: float) -> float:
    """Half of a quality's 95 % interval, as every door tells it: in two digits. More digits would
    tell about the hidden images rather than about the doubt."""
    return float(f"{SURE * error:.2g}")


class LikelyRanks(models.Model):
    """The ranks that a row could have on other images of the same kind, at 95 %."""

    evaluation = models.ForeignKey(
        Evaluation,
        models.CASCADE,
        related_name="+",
        help_text="What the range was computed for. An entry of another evaluation has no range "
        "yet.",
    )
    first = models.PositiveIntegerField()
    last = models.PositiveIntegerField()
    error = models.FloatField(
        help_text="Standard error of the public quality on other images of the same number."
    )

    class Meta:
        abstract = True

    @property
    def half_width(self) -> float:
        """Half of the 95 % interval of the quality on other images of the same number."""
        return half_width(self.error)


class RankRange(LikelyRanks):
    """The public ranks that a team could have on other images of the same kind, at 95 %."""

    team = models.OneToOneField(Team, models.CASCADE, primary_key=True, related_name="rank_range")
    above = models.ForeignKey(
        Evaluation,
        models.SET_NULL,
        null=True,
        related_name="+",
        help_text="That of the row above, if its answers are known.",
    )
    with_above = models.FloatField(
        null=True, help_text="Covariance of the public quality with that of the row above."
    )

    def __str__(self) -> str:
        return f"{self.team}: likely {self.first} to {self.last}"


class TrackRange(LikelyRanks):
    """The same of a row on the public board of a track, where a team can stand with another upload
    and among other teams."""

    entry = models.OneToOneField(
        Entry, models.CASCADE, primary_key=True, related_name="track_range"
    )

    def __str__(self) -> str:
        return f"{self.entry}: likely {self.first} to {self.last}"


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
