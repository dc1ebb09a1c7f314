"""What stands in the way of an import: a sentence for the organizer, a code for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.utils.translation import gettext

from leaderboard import sentences
from leaderboard.errors import BadDataset
from leaderboard.services import fingerprints
from scoring.errors import BadDataset as BadSource
from scoring.images import sets
from scoring.sentences import say

SHOWN = 20
"""Most files that a refusal names; the rest is counted."""
NAMED = 5
"""Most files of a group that a refusal names."""


def bad_files(problems: Sequence[sets.Problem]) -> BadDataset:
    names: dict[str, list[str]] = {}  # by reason, so that a reason is read once
    for one in problems[:SHOWN]:
        reason = sentences.message(one.said).rstrip(".")
        names.setdefault(reason, []).append(sets.shown(one.name))
    texts = [f"{', '.join(files)} ({reason})" for reason, files in names.items()]
    if len(problems) > SHOWN:
        texts.append(gettext("and %(count)d more") % {"count": len(problems) - SHOWN})
    return BadDataset(
        gettext(
            "Files that cannot be used (%(count)d): %(files)s. Remove or repair these files, "
            "or choose to leave out such files."
        )
        % {"count": len(problems), "files": "; ".join(texts)},
        code="bad_files",
    )


def conflict(groups: Sequence[Sequence[sets.Image]]) -> BadDataset:
    return BadDataset(
        gettext(
            "Pictures under two classes (%(count)d): %(files)s. Remove the wrong copies, or "
            "leave all of them out."
        )
        % {"count": len(groups), "files": some(equals(groups))},
        code="conflicting_labels",
    )


def without_images(classes: Sequence[str]) -> BadDataset:
    return BadDataset(
        gettext(
            "Classes without usable images: %(classes)s. Repair their files. To continue "
            "without these classes, remove their folders or their rows in the table."
        )
        % {"classes": some([sets.shown(one) for one in classes])},
        code="missing_class",
    )


def too_alike(groups: Sequence[Sequence[sets.Image]]) -> BadDataset:
    return BadDataset(
        gettext(
            "%(count)d images are nearly equal to others, for example %(files)s. Nearly "
            "equal images stay together in one split, so not every class can be in every "
            "split. If the images show different things (a fixed camera), choose to divide "
            "nearly equal pictures like other pictures. If not, leave out the copies."
        )
        % {
            "count": sum(map(len, groups)),
            "files": some(equals([group[:NAMED] for group in groups[:1]])),
        },
        code="too_alike",
    )


def overlaps(groups: Sequence[Sequence[sets.Image]]) -> list[BadDataset]:
    if not groups:
        return []
    return [
        BadDataset(
            gettext(
                "Pictures in more than one split (%(count)d): %(files)s. Remove the copies, or "
                "allow overlaps."
            )
            % {"count": len(groups), "files": some(equals(groups))},
            code="splits_overlap",
        )
    ]


def seen_before(seen: Sequence[fingerprints.Seen]) -> BadDataset:
    return BadDataset(
        gettext(
            "%(pictures)s People who have that sample know the labels of these pictures. "
            "Divide the images as before (the same seed and shares), or allow it."
        )
        % {"pictures": some([sentences.said(one.sentence()) for one in seen], " ")},
        code="seen_before",
    )


def dropped_for(name: str, group: Sequence[sets.Image]) -> sets.Problem:
    others = " = ".join(sets.shown(image.name) for image in group if image.name != name)
    said = say("The same picture is also in another class: %(files)s.", files=others)
    return sets.Problem(name, "conflict", (said,))


def equals(groups: Sequence[Sequence[sets.Image]]) -> list[str]:
    return [" = ".join(sets.shown(image.name) for image in group) for group in groups]


def some(texts: Sequence[str], between: str = "; ") -> str:
    more = (
        [gettext("and %(count)d more") % {"count": len(texts) - SHOWN}]
        if len(texts) > SHOWN
        else []
    )
    return between.join([*texts[:SHOWN], *more])


@contextmanager
def coded() -> Iterator[None]:
    """Raise the engine's refusals as the site's, with the same code and message."""
    try:
        yield
    except BadSource as error:
        raise BadDataset(sentences.message(error.said), code=error.code) from error
