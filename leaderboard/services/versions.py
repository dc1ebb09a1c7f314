"""Each board has a version. Anything made from a board is valid until the version changes."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

from django.core.cache import caches

from leaderboard.models import BoardVersion, Competition, Entry, Ranged

Made = TypeVar("Made")
UNCHANGED = "unchanged"
"""The version of a board that nothing has changed yet."""


def of(competition: Competition, board: str) -> str:
    """The version of a board. Ask for it before reading the board: the rows are as new, or
    newer."""
    found = BoardVersion.objects.filter(competition=competition, board=board)
    return found.values_list("token", flat=True).first() or UNCHANGED


def among(competitions: Collection[Competition]) -> dict[tuple[int, str], str]:
    """The versions of some competitions' boards, by competition and board."""
    found = BoardVersion.objects.filter(competition__in=[one.pk for one in competitions])
    rows = found.values_list("competition", "board", "token")
    return {(competition, board): token for competition, board, token in rows}


def change(competition_id: int, boards: Iterable[str] = Entry.Board.values) -> None:
    """Give boards another version, in the transaction that changes them.

    Call it once and last. It locks the boards' rows until the commit, and a later wait for a team's
    row could become a deadlock.
    """
    rows = [
        BoardVersion(competition_id=competition_id, board=board, token=secrets.token_hex(8))
        for board in sorted(boards)
    ]
    BoardVersion.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["competition", "board"],
        update_fields=["token"],
    )


def change_names(competition_id: int) -> None:
    """Give boards another version for other names alone. Ranges of ranks stay as they are."""
    # `ranges.renew` takes the two locks in this order, too.
    ranged = Ranged.objects.select_for_update().filter(competition=competition_id).first()
    public = BoardVersion.objects.filter(competition=competition_id, board=Entry.Board.PUBLIC)
    before = public.select_for_update().values_list("token", flat=True).first()
    change(competition_id)
    if ranged and ranged.version == before:
        ranged.version = public.values_list("token", flat=True).get()
        ranged.save(update_fields=["version"])


def replace(competition: Competition, board: str, version: str) -> str:
    """Give a board another version in place of this one. Returns the version that what was made
    from this one has now: this one itself if the board has changed meanwhile."""
    token = secrets.token_hex(8)
    rows = BoardVersion.objects.filter(competition=competition, board=board, token=version)
    if rows.update(token=token):
        return token
    change(competition.pk, [board])
    return version


def kept(
    competition: Competition, board: str, version: str, what: str, make: Callable[[], Made]
) -> Made:
    """What `make` returns for a version of a board. Each process makes it once.

    It is kept in the process's own memory, so that no other process can write what a page shows.
    """
    key = f"{competition.pk}:{board}:{version}:{what}"
    cache = caches["process"]
    made: Made | None = cache.get(key)
    if made is None:
        made = make()
        cache.set(key, made)
    return made
