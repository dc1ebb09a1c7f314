"""What counts on the boards of a competition, and who sees it when."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class BoardRules(models.Model):
    class Counted(models.TextChoices):
        BEST = "best", _("The best submission")
        LAST = "last", _("The last submission")

    FIXED = frozenset({"only_real_gains", "counted", "is_blind"})
    """What stays as it is once the competition has opened."""

    counted = models.CharField(
        max_length=4,
        choices=Counted,
        default=Counted.BEST,
        help_text=_(
            "Which submission of a team counts on the public board: the best or the last one "
            "of those that pass the gate. Fixed after the competition opened."
        ),
    )
    is_blind = models.BooleanField(
        default=False,
        help_text=_(
            "Until the publication only the organizers see scores, ranks and boards. A team "
            "only sees whether its model counts, or why it failed. Fixed after the "
            "competition opened."
        ),
    )
    remeasured_ranks = models.PositiveSmallIntegerField(
        default=3,
        help_text=_(
            "Number of top ranks of the public board that are measured again while they are tied "
            "and workers are idle. 0: none."
        ),
    )
    only_real_gains = models.BooleanField(
        default=False,
        help_text=_(
            "A team's row changes only if the new score is better by more than the standard "
            "error of the difference. This error comes from the images and the clock. The "
            "rule slows down teams that try to find the hidden labels with many uploads. "
            "Fixed after the competition opened."
        ),
    )

    class Meta:
        abstract = True

    @property
    def last_counts(self) -> bool:
        """Whether the last submission of a team stands on the public board, not the best one."""
        return self.counted == self.Counted.LAST

    def check_board_rules(self) -> None:
        if self.last_counts and self.only_real_gains:
            raise ValidationError(
                gettext(
                    "If the last submission counts, a row changes with each upload. Let the "
                    "best one count, or switch off “only real gains change the public board”."
                )
            )
