"""Uploads after the end of a competition: they are scored and never ranked."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from leaderboard.models.competition import Competition


class Late(models.Model):
    """A part of a competition."""

    late_until = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_(
            "Uploads after the end and before this time are scored, marked as late and never "
            "ranked. If empty, late uploads are not accepted."
        ),
    )

    class Meta:
        abstract = True

    @property
    def accepts_late(self) -> bool:
        """Whether an upload now is a late one."""
        whole = cast("Competition", self)
        state = whole.State
        is_over = whole.state in (state.CLOSED, state.PUBLISHED) or (
            whole.state == state.OPEN and whole.has_ended()
        )
        return is_over and self.late_until is not None and timezone.now() < self.late_until

    @property
    def takes_uploads(self) -> bool:
        """Whether a model may be uploaded now, late or not."""
        return cast("Competition", self).accepts_uploads or self.accepts_late
