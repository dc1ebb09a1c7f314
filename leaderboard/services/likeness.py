"""Models of different teams that are the same or answer almost alike, for organizers.

Good models are often right on the same images, so equal right answers say little. Only those images
count that either model answers wrongly. A copy with a few changed weights gives the same wrong
answer to almost all of them. Nothing is decided by it: two teams may have begun with the same
public weights.
"""

from __future__ import annotations

from dataclasses import dataclass

from leaderboard.models import Competition, Entry, Split, Submission
from leaderboard.services import answers, versions
from leaderboard.services.answers import Kept

ENTRIES = 200
"""First entries of the public board that are compared. All pairs of them take about 0.1 s."""
ALIKE = 0.9
"""Least share of equal wrong answers of a pair that is shown."""
LEAST_WRONG = 20
"""With fewer images that either model answers wrongly, a share says nothing."""
UPLOADS = 500
"""Most uploads of the compared contents that are read."""
LISTED = 20
"""Most pairs of each list."""


@dataclass(frozen=True)
class Pair:
    """Submissions of two teams that are alike.

    `share`: of the images that at least one of the two models answers wrongly, the share with the
    same wrong answer. None if both have the same model.
    """

    first: Submission
    second: Submission
    share: float | None = None
    wrong: int = 0
    """Images of the public split that either model answers wrongly."""


def pairs(competition: Competition) -> list[Pair]:
    """Pairs among the first `ENTRIES` teams of the public board.

    First those with the same model, then those that answer almost alike, the most alike first.
    """
    board = Entry.Board.PUBLIC
    version = versions.of(competition, board)
    return versions.kept(competition, board, version, "alike", lambda: found(competition))


def found(competition: Competition) -> list[Pair]:
    entries = list(Entry.objects.board(competition, Entry.Board.PUBLIC)[:ENTRIES])
    return [*same_model(competition, entries)[:LISTED], *alike(competition, entries)[:LISTED]]


def same_model(competition: Competition, entries: list[Entry]) -> list[Pair]:
    """Each entry's model beside the first upload of the same content by another team."""
    sent: dict[str, Submission] = {}
    contents = {one.submission.content_sha256 for one in entries}
    uploads = Submission.objects.filter(competition=competition, content_sha256__in=contents)
    first = uploads.defer("static").select_related("team").order_by("content_sha256", "uploaded_at")
    by_team: dict[tuple[str, int], Submission] = {}
    for one in first[:UPLOADS]:
        sent.setdefault(one.content_sha256, one)
        by_team.setdefault((one.content_sha256, one.team_id), one)
    return [
        Pair(sent[content], one)
        for (content, team), one in by_team.items()
        if sent[content].team_id != team
    ]


def alike(competition: Competition, entries: list[Entry]) -> list[Pair]:
    """Pairs of entries with different models and almost the same wrong answers."""
    if competition.dataset is None:
        return []
    split = competition.dataset.split(Split.Name.PUBLIC)
    kept = answers.kept([one.evaluation_id for one in entries], split)
    known = [one for one in entries if one.evaluation_id in kept.rows]
    shown = []
    for place, one in enumerate(known):
        rows = [kept.rows[other.evaluation_id] for other in known[:place]]
        for other, (share, wrong) in zip(
            known, shares(kept, rows, one.evaluation_id), strict=False
        ):
            same = other.submission.content_sha256 == one.submission.content_sha256
            if share >= ALIKE and wrong >= LEAST_WRONG and not same:
                shown.append(Pair(other.submission, one.submission, share, wrong))
    return sorted(shown, key=lambda pair: -(pair.share or 0.0))


def shares(kept: Kept, rows: list[int], evaluation: int) -> list[tuple[float, int]]:
    """How alike one evaluation and each of some rows answer: two figures for each row.

    The share of equal wrong answers among the images that at least one of the two answers wrongly,
    and the number of these images.
    """
    own, others = kept.answers[kept.rows[evaluation]], kept.answers[rows]
    is_wrong = others != kept.labels
    wrong = (is_wrong | (own != kept.labels)).sum(axis=1)
    same = (is_wrong & (others == own)).sum(axis=1)
    return [(float(s / max(w, 1)), int(w)) for s, w in zip(same, wrong, strict=True)]
