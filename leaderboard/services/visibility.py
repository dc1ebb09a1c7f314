"""What the publication keeps back until then: the private board, and in a blind competition all
scores, ranks and boards.

A door that shows a figure of a submission asks here first. Organizers read the figures in the
panel, in exports, and on the page of a submission.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext

from leaderboard.errors import NotFound
from leaderboard.models import Competition, Entry, Evaluation, User
from leaderboard.models.organizers import sees_all


def check_board(competition: Competition, board: str) -> None:
    """Raises `NotFound` for the private board before its publication; in a blind competition for
    both.

    Organizers are refused, too.
    """
    if board not in Entry.Board.values:
        raise NotFound(gettext("There are two boards: public and private."), code="unknown_board")
    if competition.hides_scores:
        raise hidden()
    if board == Entry.Board.PRIVATE and not competition.is_published:
        raise NotFound(
            gettext("You can see the private board when the organizers have published it."),
            code="board_not_published",
        )


def hidden() -> NotFound:
    """Why there is nothing to see in a blind competition."""
    return NotFound(
        gettext(
            "This competition is blind. You can see the scores when the organizers have "
            "published them."
        ),
        code="scores_hidden",
    )


def hides_from(competition: Competition, reader: User | AnonymousUser) -> bool:
    """Whether a person may not see a score of a competition now, not even the own one."""
    return competition.hides_scores and not sees_all(reader, competition.pk)


def conceal(
    competition: Competition, evaluations: Iterable[Evaluation], reader: User | AnonymousUser
) -> bool:
    """Take the figures off evaluations that were read for a person. Returns whether it did."""
    if not hides_from(competition, reader):
        return False
    for one in evaluations:
        one.conceal()
    return True
