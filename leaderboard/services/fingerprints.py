"""Which pictures a split holds, by their hashes. So no dataset's sample gives away a picture that
another dataset hides. Fingerprints are as secret as the split."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext

from leaderboard.errors import BadDataset
from leaderboard.models import Dataset, Fingerprints, Split
from leaderboard.services import files
from scoring.errors import BadDataset as BadSource
from scoring.errors import EngineError
from scoring.images import sets
from scoring.images.changes import Placed
from scoring.sentences import Fact, Sentence, say

logger = logging.getLogger(__name__)

PIXELS_BYTES, CLASS_BYTES = 16, 2
NAMED = 10


@dataclass(frozen=True)
class Seen:
    """New images that a split of another dataset holds as well, equal or nearly equal."""

    dataset: Dataset
    hidden_here: bool
    """True: hidden in the new dataset, shown in the other's sample. False: the reverse."""
    names: tuple[str, ...]

    def sentence(self) -> Sentence:
        """What an organizer reads."""
        more = f", … (+{len(self.names) - NAMED})" if len(self.names) > NAMED else ""
        facts: dict[str, Fact] = {
            "count": len(self.names),
            "dataset": str(self.dataset),
            "names": ", ".join(map(sets.shown, self.names[:NAMED])) + more,
        }
        if self.hidden_here:
            said = say(
                "Images to hide that the sample of “%(dataset)s” shows: %(count)s (%(names)s)."
            )
        else:
            said = say("Images of the new sample that “%(dataset)s” hides: %(count)s (%(names)s).")
        return said.about(**facts)


def made(images: Iterable[sets.Image], classes: Sequence[str]) -> Fingerprints:
    """Fingerprints of images, without their split, sorted so that their order tells nothing."""
    numbers = {label: number.to_bytes(CLASS_BYTES) for number, label in enumerate(classes)}
    known = [(image.facts, numbers[image.label]) for image in images if image.facts]
    seen = sorted((bytes.fromhex(facts.pixels), number) for facts, number in known)
    alike = sorted(bytes.fromhex(facts.likeness) for facts, _ in known if facts.likeness)
    return Fingerprints(
        pixels=b"".join(pixels for pixels, _ in seen),
        classes=b"".join(number for _, number in seen),
        likeness=b"".join(alike),
    )


def pictures(found: Fingerprints, split: str, classes: Sequence[str]) -> Iterator[Placed]:
    """The pictures of a split in the order of their hashes."""
    pixels, numbers = bytes(found.pixels), bytes(found.classes)
    for start, one in enumerate(range(0, len(pixels), PIXELS_BYTES)):
        number = int.from_bytes(numbers[CLASS_BYTES * start : CLASS_BYTES * (start + 1)])
        yield Placed(pixels[one : one + PIXELS_BYTES], split, classes[number])


def of(split: Split) -> Fingerprints:
    """The fingerprints of a split. They are made now if the import stored none, or others than
    today's. A damaged archive has none. Raises `BadDataset` if the storage does not answer."""
    from scoring.images import kinship  # with NumPy and SciPy, which only imports need

    stored = Fingerprints.objects.filter(split=split).first()
    if stored and is_whole(stored, kinship.BYTES):
        return stored
    try:
        path = files.local_path(split.archive)
        path.open("rb").close()  # a missing file is no damaged archive
        new = made(sets.images_of(path), split.dataset.classes)
    except BadSource as error:
        logger.warning("The archive of %s is damaged: %s", split, error)
        return Fingerprints(split=split, pixels=b"", likeness=b"")
    except (EngineError, OSError) as error:
        logger.warning("The archive of %s cannot be read: %s", split, error)
        raise unread(split) from error
    if stored:
        stored.pixels, stored.classes = new.pixels, new.classes
        stored.likeness = new.likeness
        stored.save()
        return stored
    new.split = split
    return Fingerprints.objects.bulk_create([new], ignore_conflicts=True)[0]


def unread(split: Split) -> BadDataset:
    said = gettext(
        "The stored images of “%(dataset)s” cannot be read, so they cannot be compared with these. "
        "Check the storage, then try again."
    )
    return BadDataset(said % {"dataset": split.dataset}, code="storage_failed")


def is_whole(stored: Fingerprints, likeness_bytes: int) -> bool:
    """Whether each picture has a class, and each likeness the length of today."""
    pictures, rest = divmod(len(stored.pixels), PIXELS_BYTES)
    has_classes = len(stored.classes) == pictures * CLASS_BYTES
    return not rest and has_classes and not len(stored.likeness) % likeness_bytes


def seen(splits: Mapping[str, Sequence[sets.Image]], new: Mapping[str, Fingerprints]) -> list[Seen]:
    """Images of a new division that another dataset treats in the opposite way.

    They are shown there and hidden here, or hidden there and shown here. `new` are the fingerprints
    of the division.
    """
    found = []
    hidden = [image for name, part in splits.items() if name != "sample" for image in part]
    for dataset in Dataset.objects.prefetch_related("splits"):
        prints = {split.name: of(split) for split in dataset.splits.all()}
        if all(name in new and one.pixels == new[name].pixels for name, one in prints.items()):
            continue  # the same division again: the import will return this dataset
        shown, shows = those_in(hidden, prints.pop("sample")), splits["sample"]
        hides = set[str]().union(*(those_in(shows, one) for one in prints.values()))
        found += [Seen(dataset, True, tuple(sorted(shown)))] if shown else []
        found += [Seen(dataset, False, tuple(sorted(hides)))] if hides else []
    return found


def those_in(images: Sequence[sets.Image], split: Fingerprints) -> set[str]:
    """Names of those images that a split holds as well, equal or nearly equal."""
    from scoring.images import kinship  # with NumPy and SciPy, which only imports need

    pixels, likeness = bytes(split.pixels), bytes(split.likeness)
    known = {pixels[n : n + PIXELS_BYTES].hex() for n in range(0, len(pixels), PIXELS_BYTES)}
    read = [(image.name, image.facts) for image in images if image.facts]
    alike = [(name, facts) for name, facts in read if facts.likeness]
    near = kinship.near_any(
        kinship.likenesses(facts.likeness for _, facts in alike),
        kinship.likenesses([likeness.hex()]),
    )
    names = {name for name, facts in read if facts.pixels in known}
    return names | {name for (name, _), is_near in zip(alike, near, strict=True) if is_near}
