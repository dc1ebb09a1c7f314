"""One team's line on one board. Each new result writes the line, so a page only reads it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import models
from django.db.models import F, OuterRef
from django.utils.translation import gettext

from leaderboard.models.competition import Competition
from leaderboard.models.evaluation import Evaluation
from leaderboard.models.submission import Submission
from leaderboard.models.team import Team
from scoring import formats


def range_of(board: str) -> str:
    """The way from an entry of a board to the range of its rank."""
    return "track_range" if "." in board else "team__rank_range"


class EntryQuerySet(models.QuerySet["Entry"]):
    def board(self, competition: Competition, board: str) -> EntryQuerySet:
        """The entries of a board in order: ranked before unranked, then by score, then by
        upload."""
        return (
            self.filter(competition=competition, board=board)
            .select_related("team", range_of(board), "submission", "evaluation")
            .defer("submission__static")
            .order_by("-is_ranked", "score", "uploaded_at", "pk")
        )

    def before(self, entry: Entry) -> EntryQuerySet:
        """The entries above another one, among the ranked ones or among those below the gate."""
        part = self.filter(
            competition=entry.competition_id, board=entry.board, is_ranked=entry.is_ranked
        )
        return part.above(entry.score, entry.uploaded_at, entry.pk)

    def above(
        self, score: Decimal | OuterRef, uploaded_at: datetime | OuterRef, pk: int | OuterRef
    ) -> EntryQuerySet:
        """The entries that stand above a place. The order is score, then upload, then key."""
        earlier = (
            models.Q(score__lt=score)
            | models.Q(uploaded_at__lt=uploaded_at)
            | models.Q(uploaded_at=uploaded_at, pk__lt=pk)
        )
        # `score__lte` repeats the other conditions, so that a database knows where its index ends.
        return self.filter(earlier, score__lte=score)


class Placed(models.Model):
    """The columns of an entry that each new result writes."""

    submission = models.ForeignKey(Submission, models.CASCADE, related_name="+")
    evaluation = models.ForeignKey(Evaluation, models.CASCADE, related_name="+")
    is_ranked = models.BooleanField(
        help_text="Whether its quality on this board passes the gate, and on the private board no "
        "verification took its rank."
    )
    score = models.DecimalField(max_digits=12, decimal_places=6, help_text="Lower is better.")
    quality = models.FloatField()
    time_ratio = models.FloatField()
    score_half_width = models.FloatField()
    uploaded_at = models.DateTimeField()
    # The submission's, for the indexes below.
    format = models.CharField(max_length=20, blank=True)
    number_type = models.CharField(max_length=60, blank=True)
    parameters = models.BigIntegerField(default=0)
    size_bytes = models.BigIntegerField(default=0)
    # The evaluation's, for the same indexes; empty where they are not known.
    macs = models.BigIntegerField(null=True, blank=True)
    memory_bytes = models.BigIntegerField(null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def format_title(self) -> str:
        """The name of its format for people."""
        return formats.title(self.format)


class Entry(Placed):
    class Board(models.TextChoices):
        PUBLIC = "public"
        PRIVATE = "private"

    competition = models.ForeignKey(Competition, models.CASCADE, related_name="entries")
    board = models.CharField(
        max_length=40, help_text="Public or private, of a track with its slug: see `tracks.key`."
    )
    team = models.ForeignKey(Team, models.CASCADE, related_name="entries")
    public_rank = models.PositiveIntegerField(
        null=True,
        help_text="Of a private entry: the team's rank on the public board; empty where "
        "it has none.",
    )

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "entries"
        constraints = [
            models.UniqueConstraint(
                F("competition"), F("board"), F("team"), name="one_entry_per_team_and_board"
            )
        ]
        indexes = [
            models.Index(
                F("competition"),
                F("board"),
                F("is_ranked").desc(),
                F("score"),
                F("uploaded_at"),
                F("id"),  # so that the index alone gives the keys of one page
                name="board_order",
            ),
            models.Index(
                fields=["competition", "board", "format", "number_type", "id"],
                name="board_by_format",
            ),
            # An index for each other column that boards are sorted by. A filter is read from the
            # index, too.
            *(
                models.Index(
                    fields=["competition", "board", column, "id", "format", "number_type"],
                    name=f"board_by_{column}",
                )
                for column in (
                    "quality",
                    "time_ratio",
                    "uploaded_at",
                    "parameters",
                    "size_bytes",
                    "macs",
                    "memory_bytes",
                )
            ),
        ]

    def __str__(self) -> str:
        return f"{self.team} on the {self.board} board"


class NextEntry(Placed):
    """The entry of a team on a public board under other rules, while the boards are prepared for
    them."""

    competition = models.ForeignKey(Competition, models.CASCADE, related_name="+")
    board = models.CharField(max_length=40, help_text="Public, or of a track with its slug.")
    team = models.ForeignKey(Team, models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "board"], name="one_next_entry_per_board")
        ]

    def __str__(self) -> str:
        return f"{self.team} under the next rules"


class Preparation(models.Model):
    """Boards in preparation. Batches of teams are prepared one by one, then shown together."""

    competition = models.OneToOneField(
        Competition, models.CASCADE, primary_key=True, related_name="preparation"
    )
    min_quality = models.FloatField(
        null=True, blank=True, help_text="The next gate; empty for a publication."
    )
    rescore = models.OneToOneField(
        "Rescore",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="preparation",
        help_text="The next formula. Its boards wait for a decision. Once it is applied, the "
        "scores of all evaluations follow, team by team.",
    )
    tracks = models.JSONField(null=True, help_text="The next tracks; empty if they stay.")
    through = models.BigIntegerField(default=0, help_text="Key of the last team that is prepared.")
    done = models.PositiveIntegerField(default=0, help_text="Number of prepared teams.")
    total = models.PositiveIntegerField()
    ranks_of = models.CharField(
        max_length=32,
        blank=True,
        help_text="The version of the public board whose ranks stand on the private entries.",
    )

    @property
    def is_following(self) -> bool:
        """Whether its rescore is applied, and the scores of evaluations follow it."""
        return bool(self.rescore and self.rescore.version)

    def __str__(self) -> str:
        facts = {"done": f"{self.done:,}", "total": f"{max(self.done, self.total):,}"}
        if self.rescore_id:
            return gettext("rescore: %(done)s of %(total)s teams are prepared") % facts
        if self.min_quality is None:
            return gettext("publication: %(done)s of %(total)s teams are prepared") % facts
        if self.tracks is not None:
            return gettext("tracks: %(done)s of %(total)s teams are prepared") % facts
        facts["gate"] = f"{self.min_quality:g}"
        return gettext("gate of %(gate)s: %(done)s of %(total)s teams are prepared") % facts


class BoardVersion(models.Model):
    """A token that changes with the board. Anything that was made under another token is out of
    date."""

    competition = models.ForeignKey(Competition, models.CASCADE, related_name="+")
    board = models.CharField(max_length=7, choices=Entry.Board)
    token = models.CharField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["competition", "board"], name="one_version_per_board")
        ]

    def __str__(self) -> str:
        return f"version {self.token} of a {self.board} board"
