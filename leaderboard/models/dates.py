"""When a competition opens, ends and is published, and in which time zone people read that."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from leaderboard.models.fields import check_time_zone


class Dates(models.Model):
    opens_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_(
            "The draft opens automatically at this time, if nothing is missing then. If "
            "empty, it opens when you open it."
        ),
    )
    ends_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_(
            "Uploads before this time count. If empty, uploads continue until you "
            "close the competition."
        ),
    )
    merge_deadline = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_(
            "Teams can merge before this time. If empty, they can merge until uploads end."
        ),
    )
    freezes_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_(
            "The public board is frozen from this time until the publication. Later uploads "
            "are scored, and only their own team sees the score. If empty, the board is "
            "never frozen. Fixed once the time has come."
        ),
    )
    thawed_at = models.DateTimeField(
        null=True, editable=False, help_text="When a publication let the public board go on."
    )
    publishes_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_(
            "The private board is published automatically at this time, or later, as soon as "
            "every evaluation has ended. If empty, it is published when you publish it."
        ),
    )
    told_end = models.DateTimeField(
        null=True, editable=False, help_text="The end that teams were told of a day before."
    )
    published_at = models.DateTimeField(null=True, blank=True, editable=False)
    time_zone = models.CharField(
        max_length=64,
        default="UTC",
        validators=[check_time_zone],
        help_text=_("The quota counts per day of this time zone."),
    )

    class Meta:
        abstract = True

    def has_ended(self, now: datetime | None = None) -> bool:
        return self.ends_at is not None and (now or timezone.now()) >= self.ends_at

    def takes_merges(self, now: datetime | None = None) -> bool:
        """Whether it is not too late for teams to merge."""
        now = now or timezone.now()
        in_time = self.merge_deadline is None or now < self.merge_deadline
        return in_time and not self.has_ended(now)

    @property
    def counts_until(self) -> datetime | None:
        """Uploads before this moment stand on the public board; None: all do."""
        return self.freezes_at if self.thawed_at is None else None

    def is_frozen(self, now: datetime | None = None) -> bool:
        """Whether the public board stands still at a moment, by default now."""
        return self.counts_until is not None and (now or timezone.now()) >= self.counts_until

    def check_dates(self) -> None:
        """Opening, freeze, end and publication stand in this order, where they are set."""
        every = (self.opens_at, self.freezes_at, self.ends_at, self.publishes_at)
        dates = [one for one in every if one]
        if dates != sorted(dates):
            raise ValidationError(
                gettext(
                    "The opening must come before the freeze of the board, the freeze before the "
                    "end, and the end before the publication. Change one of these dates."
                )
            )
        if self.merge_deadline and self.ends_at and self.merge_deadline > self.ends_at:
            raise ValidationError(
                {"merge_deadline": gettext("Teams cannot merge after the end of uploads.")}
            )
