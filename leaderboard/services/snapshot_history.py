"""The history of rescores for a snapshot: when, why, what changed, and the boards on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime

from leaderboard.models import Competition, Entry, Rescore
from leaderboard.models.rescore import Rules
from leaderboard.services import rescoring
from scoring.snapshots.versions import MOST, Constants, Stood, Terms, Version

SIDES = {"before": "was_", "after": ""}
"""The columns of `Moved` by their prefix."""


def of(competition: Competition) -> Iterator[Version]:
    """The rescores that were applied, the first one first, one at a time."""
    for rescore in rescoring.of(competition).order_by("version"):
        yield version(rescore)


def version(rescore: Rescore) -> Version:
    return Version(
        version=rescore.version or 0,
        at=moment(rescore.decided_at) or "",
        why=rescore.why,
        kind=rescore.kind,
        before=constants(rescore.before),
        after=constants(rescore.after),
        terms_before=terms(rescore, "was_"),
        terms_after=terms(rescore, ""),
        teams=rescore.moved.filter(board=Entry.Board.PUBLIC).count(),
        boards={side: tuple(board(rescore, prefix)) for side, prefix in SIDES.items()},
    )


def constants(rules: Rules) -> Constants:
    return Constants(**asdict(rules))


def terms(rescore: Rescore, prefix: str) -> Terms | None:
    dataset, reference, profile = (
        getattr(rescore, f"{prefix}{name}") for name in ("dataset", "reference", "profile")
    )
    if not (dataset and reference and profile):
        return None
    return Terms(dataset.sha256, reference.sha256, profile.slug)


def board(rescore: Rescore, prefix: str) -> Iterator[Stood]:
    """The first rows of one side, as everybody saw them."""
    names = [f"{prefix}{name}" for name in ("is_ranked", "score", "uploaded_at")]
    moved = rescore.moved.filter(board=Entry.Board.PUBLIC)
    rows = moved.order_by(f"-{names[0]}", *names[1:], "entry_id")
    columns = rows.values_list("team__name", f"{prefix}submission_id", *names)[:MOST]
    for rank, (team, submission, is_ranked, score, at) in enumerate(columns, start=1):
        place = rank if is_ranked else None  # ranked rows stand first
        yield Stood(place, team, submission, float(score), moment(at) or "")


def moment(at: datetime | None) -> str | None:
    """A time that sorts as text."""
    return at.astimezone(UTC).isoformat(timespec="microseconds") if at else None
