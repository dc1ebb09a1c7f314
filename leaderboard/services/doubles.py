"""Accounts of one competition that look like one person's, for organizers.

A sign is no proof: two people may have like names, and two teams may have begun with the same
public weights. Nothing follows by itself, and no participant sees it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from allauth.account.models import EmailAddress
from django.db.models import Count, Max

from leaderboard.models import Competition, Entry, Membership
from leaderboard.services import likeness, names, versions

MEMBERS = 20_000
"""Most members that are compared: the latest. Names of so many take about a second, once for each
new member."""
ALIKE = 5
"""Most accounts with one sign of which pairs are made; more have a common pattern, not an owner."""
LISTED = 30
"""Most pairs that are told, those with the most signs first."""


class Sign(StrEnum):
    MAIL = "mail"
    """Their addresses are equal but for dots and what follows a plus sign."""
    NAME = "name"
    """Their user names look alike."""
    MODEL = "model"
    """Their teams sent the same model."""
    ANSWERS = "answers"
    """Models of their teams give almost the same wrong answers."""


@dataclass(frozen=True)
class Double:
    """Two accounts in two teams, and what makes them look like one."""

    first: Membership
    second: Membership
    signs: tuple[Sign, ...]


def doubles(competition: Competition) -> list[Double]:
    """Pairs of accounts in different teams of a competition, those with the most signs first."""
    members = Membership.objects.filter(competition=competition).order_by()
    known = members.aggregate(count=Count("pk"), latest=Max("pk"))
    board = versions.of(competition, Entry.Board.PUBLIC)
    version = f"{known['count']}-{known['latest']}-{board}"
    return versions.kept(
        competition, Entry.Board.PUBLIC, version, "doubles", lambda: found(competition)
    )


def found(competition: Competition) -> list[Double]:
    rows = Membership.objects.filter(competition=competition).select_related("user", "team")
    members = {one.user_id: one for one in rows.order_by("-pk")[:MEMBERS]}
    looks = ((names.skeleton(one.user.username), key) for key, one in members.items())
    signs: dict[tuple[int, int], set[Sign]] = defaultdict(set)
    for sign, pairs in (
        (Sign.MAIL, alike(addresses(members))),
        (Sign.NAME, alike(looks)),
        *of_models(competition, members),
    ):
        for pair in pairs:
            signs[pair].add(sign)
    made = [
        Double(members[one], members[other], tuple(sign for sign in Sign if sign in some))
        for (one, other), some in signs.items()
        if members[one].team_id != members[other].team_id
    ]
    made.sort(key=lambda double: (-len(double.signs), double.first.pk, double.second.pk))
    return made[:LISTED]


def addresses(members: Mapping[int, Membership]) -> Iterator[tuple[str, int]]:
    """The bare addresses of the members, confirmed or not, each with its person."""
    told = EmailAddress.objects.filter(user__memberships__in=[one.pk for one in members.values()])
    for key, address in told.values_list("user_id", "email"):
        yield bare(address), key
    for key, one in members.items():
        if one.user.email:
            yield bare(one.user.email), key


def bare(address: str) -> str:
    """An address without what many providers leave out: case, dots, and a tag after a plus."""
    local, _, domain = address.lower().rpartition("@")
    return f"{local.split('+')[0].replace('.', '')}@{domain}"


def alike(keyed: Iterable[tuple[Hashable, int]]) -> Iterator[tuple[int, int]]:
    """Pairs of people with the same key. A key that many people share says nothing."""
    people: dict[Hashable, set[int]] = defaultdict(set)
    for key, person in keyed:
        people[key].add(person)
    for some in people.values():
        if len(some) <= ALIKE:
            yield from combinations(sorted(some), 2)


def of_models(
    competition: Competition, members: Mapping[int, Membership]
) -> Iterator[tuple[Sign, list[tuple[int, int]]]]:
    """The uploaders of models that are the same, or answer almost alike."""
    for pair in likeness.pairs(competition):
        uploaders = {pair.first.uploaded_by_id, pair.second.uploaded_by_id}
        both = sorted(one for one in uploaders if one is not None and one in members)
        if len(both) == 2:
            yield Sign.MODEL if pair.share is None else Sign.ANSWERS, [(both[0], both[1])]
