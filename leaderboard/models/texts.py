"""The texts that the organizers of a competition write for its pages, besides its title."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Texts(models.Model):
    overview = models.TextField(blank=True, help_text=_("Markdown."))
    rules = models.TextField(blank=True, help_text=_("Markdown."))
    data_description = models.TextField(blank=True, help_text=_("Markdown."))
    prizes = models.TextField(
        blank=True, help_text=_("Markdown. Shown on the overview. If empty, nothing is shown.")
    )
    citation = models.TextField(
        blank=True,
        help_text=_("How to cite the competition, for example in BibTeX. Shown as it is written."),
    )

    class Meta:
        abstract = True
