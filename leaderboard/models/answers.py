"""What a model answered to the hidden images, as secret as their labels."""

from __future__ import annotations

from django.db import models

from leaderboard.models.competition import Competition
from leaderboard.models.dataset import Dataset


class Answers(models.Model):
    """The answers of one measured content: the number of a class for each image, in the order of
    the split's images.

    Only `leaderboard.services.answers` reads this table. No page, API, log or export of a
    participant shows anything about a single image.
    """

    competition = models.ForeignKey(Competition, models.CASCADE, related_name="+")
    dataset = models.ForeignKey(
        Dataset, models.CASCADE, related_name="+", help_text="Its version gives the order."
    )
    content = models.CharField(max_length=64, help_text="Hash of the model and of its input.")
    public = models.BinaryField(help_text="One byte for each image, two above 256 classes.")
    private = models.BinaryField(help_text="One byte for each image, two above 256 classes.")

    class Meta:
        verbose_name_plural = "answers"
        constraints = [
            models.UniqueConstraint(
                fields=["competition", "dataset", "content"], name="one_row_of_answers_per_content"
            )
        ]

    def __str__(self) -> str:
        return f"answers {self.pk} of {self.competition}"
