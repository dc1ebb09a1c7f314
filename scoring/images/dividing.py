"""Images divided into splits at random: class by class, without dividing a group."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from scoring.errors import BadDataset
from scoring.images.names import shown
from scoring.images.records import Image
from scoring.sentences import Fact, say

LEFT_OUT = ""
"""The name of the images that go into no split."""


def share(
    images: Iterable[Image],
    shares: Mapping[str, float],
    seed: int,
    groups: Sequence[Sequence[Image]] = (),
) -> dict[str, tuple[Image, ...]]:
    """Split images at random, class by class, e.g. by {"public": 0.5, "private": 0.5}.

    Shares add up to at most 1; images beyond them are left out. The images of a group go into one
    split. `seed` and the images decide alone. Raises `BadDataset` (too_few_images) if a class is
    too small to be in every split, and `ValueError` for impossible shares.
    """
    if not shares or min(shares.values()) <= 0 or sum(shares.values()) > 1 + 1e-9:
        raise ValueError("Shares must be above 0 and add up to at most 1.")
    ordered = sorted(images, key=lambda image: image.name)
    sizes = Counter(image.label for image in ordered)
    quotas = {label: counts(sizes[label], shares) for label in sorted(sizes)}
    grouped = {image.name for group in groups for image in group}
    singles: dict[str, list[Image]] = {label: [] for label in quotas}
    for image in ordered:
        if image.name not in grouped:
            singles[image.label].append(image)
    units = Counter({label: len(members) for label, members in singles.items()})
    for group in groups:
        units.update({image.label for image in group})
    for label in quotas:
        refuse_too_few(label, sizes[label], units[label], len(shares))
    splits = placed(groups, quotas, sizes, units, tuple(shares), seed)
    there = {name: Counter(image.label for image in part) for name, part in splits.items()}
    for label, members in singles.items():
        random.Random(f"{seed} {label}").shuffle(members)  # noqa: S311 - repeatable by its seed
        before = {name: there[name][label] for name in shares}
        start = 0
        for name, size in rest(quotas[label], before, len(members)).items():
            taken = members[start : start + size]
            splits[name] += taken
            there[name][label] += len(taken)
            start += size
    refuse_absent(there, sizes, tuple(shares))
    return {name: tuple(splits[name]) for name in shares}


def refuse_absent(
    there: Mapping[str, Mapping[str, int]], sizes: Mapping[str, int], names: tuple[str, ...]
) -> None:
    """Raises `BadDataset` (too_few_images) for a class that is not in every split.

    `there`: images by split and class. `sizes`: images by class.
    """
    for label, name in ((label, name) for label in sorted(sizes) for name in names):
        if not there[name][label]:
            said = say(
                "The class %(label)s has %(size)s images. Too many of them show the same or "
                "nearly the same picture, so %(split)s would get none.",
                label=shown(label),
                size=sizes[label],
                split=name,
            )
            raise BadDataset("too_few_images", said, TO_DO)


def placed(
    groups: Sequence[Sequence[Image]],
    quotas: Mapping[str, Mapping[str, int]],
    sizes: Mapping[str, int],
    units: Counter[str],
    names: tuple[str, ...],
    seed: int,
) -> dict[str, list[Image]]:
    """The groups in splits, the largest group first.

    A group goes where its classes have room; of several such splits one is drawn. A split is
    avoided if some class could then no longer be in every split. `quotas`: images by class and
    split. `sizes`: images by class. `units`: groups and single images by class.
    """
    chance = random.Random(f"{seed} groups")  # noqa: S311 - repeatable by its seed
    splits: dict[str, list[Image]] = {name: [] for name in (*names, LEFT_OUT)}
    room = rooms(quotas, sizes, names)
    lacking = {label: set(names) for label in quotas}
    left = Counter(units)
    names = (*names, LEFT_OUT) if sum(room[LEFT_OUT].values()) else names
    for group in sorted(groups, key=len, reverse=True):
        within = Counter(image.label for image in group)
        left.subtract(within.keys())
        possible = [
            name
            for name in names
            if all(len(lacking[label] - {name}) <= left[label] for label in within)
        ] or names
        excess = {
            name: sum(max(0, size - room[name][label]) for label, size in within.items())
            for name in possible
        }
        best = [name for name in possible if excess[name] == min(excess.values())]
        weights = [1 + sum(max(0, room[name][label]) for label in within) for name in best]
        (chosen,) = chance.choices(best, weights)
        splits[chosen] += group
        room[chosen].subtract(within)
        for label in within:
            lacking[label].discard(chosen)
    return splits


def rooms(
    quotas: Mapping[str, Mapping[str, int]], sizes: Mapping[str, int], names: tuple[str, ...]
) -> dict[str, Counter[str]]:
    """How many images of each class each split takes, by split and class."""
    room = {
        name: Counter({label: quota[name] for label, quota in quotas.items()}) for name in names
    }
    left_out = {label: sizes[label] - sum(quotas[label].values()) for label in quotas}
    return room | {LEFT_OUT: Counter(left_out)}


def rest(quota: Mapping[str, int], taken: Mapping[str, int], members: int) -> dict[str, int]:
    """How many single images go into each split, once the groups are placed."""
    wanted = {name: max(quota[name] - taken[name], taken[name] == 0) for name in quota}
    while sum(wanted.values()) > members:
        free = [name for name in wanted if wanted[name] > (taken[name] == 0)]
        if not free:
            break
        wanted[max(free, key=lambda name: wanted[name])] -= 1
    return wanted


def counts(members: int, shares: Mapping[str, float]) -> dict[str, int]:
    """How many of `members` images go into each split: by largest remainder, at least one."""
    exact = {name: members * part for name, part in shares.items()}
    result = {name: max(1, math.floor(value + 1e-9)) for name, value in exact.items()}
    total = min(members, max(len(shares), round(sum(exact.values()))))
    for name in sorted(shares, key=lambda name: exact[name] % 1, reverse=True):
        if sum(result.values()) < total:
            result[name] += 1
    while sum(result.values()) > max(total, len(shares)):
        result[
            max(result, key=lambda name: result[name] - exact[name] if result[name] > 1 else -1)
        ] -= 1
    return result


def refuse_too_few(label: str, size: int, units: int, splits: int) -> None:
    """Raises `BadDataset` if a class has fewer images, or fewer groups, than there are splits."""
    facts: dict[str, Fact] = {"label": shown(label), "size": size, "splits": splits}
    if size < splits:
        said = say("The class %(label)s has too few images for %(splits)s splits: %(size)s.")
        raise BadDataset("too_few_images", said.about(**facts), TO_DO)
    if units < splits:
        said = say(
            "The class %(label)s has too few different pictures for %(splits)s splits: %(units)s "
            "among %(size)s images.",
            units=units,
        )
        raise BadDataset("too_few_images", said.about(**facts), TO_DO)


TO_DO = say("Add images, merge the class with another one, or leave it out.")
