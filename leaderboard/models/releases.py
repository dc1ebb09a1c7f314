"""What the signed file of a result holds, as the organizers decide."""

from __future__ import annotations

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

    class Meta:
        abstract = True
