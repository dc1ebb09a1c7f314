"""How many private ranks are within the range that the public board showed."""

from __future__ import annotations

from django.db.models import Exists, OuterRef

from leaderboard.models import Entry
from leaderboard.services.rankings import PLACE, Standing
from scoring.snapshots.contents import Landed

Board = Entry.Board


def of(standing: Standing) -> Landed | None:
    """How many teams have a private rank within the range of their public rank.

    None if no team has a range. The whole board is read once for each of its versions.
    """
    if standing.board != Board.PRIVATE:
        return None

    def counted() -> Landed:
        entries = Entry.objects.filter(
            competition=standing.competition, board=Board.PRIVATE, is_ranked=True
        )
        # A range counts if the public board shows it: that of the entry's own evaluation.
        shown = Entry.objects.filter(
            team=OuterRef("team"),
            board=Board.PUBLIC,
            evaluation=OuterRef("team__rank_range__evaluation"),
        )
        placed = entries.annotate(place=PLACE, is_told=Exists(shown)).values_list(
            "place", "team__rank_range__first", "team__rank_range__last", "is_told"
        )
        held = [first <= place <= last for place, first, last, told in placed.iterator() if told]
        return Landed(sum(held), len(held))

    found = standing.kept("landed", counted)
    return found if found.teams else None
