"""What stands in the way of an import: a sentence for its organizer and a code for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from leaderboard.errors import BadDataset
from leaderboard.services import fingerprints
from scoring.errors import BadDataset as BadSource
from scoring.images import sets

SHOWN = 20
"""Most files that a refusal names; the rest is counted."""
NAMED = 5
"""Most files of a group that a refusal names."""


def bad_files(problems: Sequence[sets.Problem]) -> BadDataset:
    texts = [f"{sets.shown(one.name)} ({one.message.rstrip('.')})" for one in problems]
    return BadDataset(
        f"{len(problems)} files cannot be used: {some(texts)}. Remove or mend them, "
        "or leave such files out.",
        code="bad_files",
    )


def conflict(groups: Sequence[Sequence[sets.Image]]) -> BadDataset:
    return BadDataset(
        f"{len(groups)} pictures are there under two classes: {some(equals(groups))}. Remove the "
        "wrong ones, or leave all of them out.",
        code="conflicting_labels",
    )


def without_images(classes: Sequence[str]) -> BadDataset:
    return BadDataset(
        f"Classes without usable images: {some([sets.shown(one) for one in classes])}. Mend "
        "their files; or remove their folders, or their rows in the table, to go on without them.",
        code="missing_class",
    )


def too_alike(groups: Sequence[Sequence[sets.Image]]) -> BadDataset:
    return BadDataset(
        f"{sum(map(len, groups))} images are nearly equal to others, for instance "
        f"{some(equals([group[:NAMED] for group in groups[:1]]))}. Nearly equal images stay "
        "together, so that not every class can be in every split. If they are of different "
        "things (a fixed camera), divide nearly equal pictures like others. If not, leave out "
        "copies.",
        code="too_alike",
    )


def overlaps(groups: Sequence[Sequence[sets.Image]]) -> list[BadDataset]:
    if not groups:
        return []
    return [
        BadDataset(
            f"{len(groups)} pictures are in more than one split: {some(equals(groups))}. Remove "
            "the copies, or allow overlaps.",
            code="splits_overlap",
        )
    ]


def seen_before(seen: Sequence[fingerprints.Seen]) -> BadDataset:
    return BadDataset(
        f"{some([str(one) for one in seen])}. Who has that sample knows their labels. Keep the "
        "division that there is (the same seed and shares), or allow it.",
        code="seen_before",
    )


def dropped_for(name: str, group: Sequence[sets.Image]) -> sets.Problem:
    others = " = ".join(sets.shown(image.name) for image in group if image.name != name)
    text = f"The same picture is there under another class: {others}."
    return sets.Problem(name, "conflict", text)


def equals(groups: Sequence[Sequence[sets.Image]]) -> list[str]:
    return [" = ".join(sets.shown(image.name) for image in group) for group in groups]


def some(texts: Sequence[str]) -> str:
    more = [f"and {len(texts) - SHOWN} more"] if len(texts) > SHOWN else []
    return "; ".join([*texts[:SHOWN], *more])


@contextmanager
def coded() -> Iterator[None]:
    """Raise the engine's refusals as the site's, with the same code and message."""
    try:
        yield
    except BadSource as error:
        raise BadDataset(error.message, code=error.code) from error
