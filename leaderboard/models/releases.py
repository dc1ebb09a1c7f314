"""What the signed file of a result holds, and for how long its sources are kept."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class Released(models.Model):
    release_quads = models.BooleanField(
        _("quads in the snapshot"),
        default=True,
        help_text=_(
            "The snapshot of the result holds the times of each comparison, so that anybody can "
            "compute the time ratios again."
        ),
    )
    release_answers = models.BooleanField(
        _("answers in the snapshot"),
        default=False,
        help_text=_(
            "The snapshot holds the labels of the hidden images and what each model on a board "
            "answered, so that anybody can compute the qualities again. The images cannot be used "
            "for another competition then."
        ),
    )
    release_reference = models.BooleanField(
        _("reference model for download"),
        default=False,
        help_text=_(
            "Everybody who sees the competition can download the reference model and score a "
            "model on their own machine with the published formula. You cannot take the file "
            "back from people who have it."
        ),
    )
    keep_unranked_days = models.PositiveIntegerField(
        _("days to keep other submissions"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_(
            "This many days after the publication, the model files, reports and answers of "
            "submissions that are on no board and not a final selection are deleted. If "
            "empty, they are kept."
        ),
    )
    keep_all_days = models.PositiveIntegerField(
        _("days to keep all submissions"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_(
            "This many days after the publication, the model files, reports and answers of "
            "all submissions are deleted. Scores, boards and the signed result stay. If "
            "empty, they are kept."
        ),
    )

    class Meta:
        abstract = True
