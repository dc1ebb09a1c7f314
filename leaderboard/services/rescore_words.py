"""What a rescore changes, in words for people. Pages and the panel say the same."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import formats
from django.utils.translation import gettext, gettext_lazy

from leaderboard.models import Rescore

NAMES = {
    "time_weight": gettext_lazy("time weight"),
    "k": gettext_lazy("slope k"),
    "quality_ref": gettext_lazy("reference quality"),
    "min_quality": gettext_lazy("gate"),
    "only_real_gains": gettext_lazy("only real gains change the public board"),
}
TERMS = {
    "dataset": gettext_lazy("dataset"),
    "reference": gettext_lazy("reference model"),
    "profile": gettext_lazy("hardware profile"),
}


@dataclass(frozen=True)
class Change:
    """One thing that a rescore changes, before and after."""

    name: str
    before: str
    after: str


def changes(rescore: Rescore) -> list[Change]:
    """What differs between before and after: numbers of the formula, and data, reference and
    machine."""
    before, after = rescore.before, rescore.after
    pairs = [(name, getattr(before, name), getattr(after, name)) for name in NAMES]
    numbers = [
        Change(str(NAMES[name]), value(one), value(other))
        for name, one, other in pairs
        if one != other
    ]
    return numbers + terms(rescore)


def terms(rescore: Rescore) -> list[Change]:
    """The changes of what a rescore that measures again measures by."""
    if not rescore.is_measured:
        return []
    pairs = [
        (label, getattr(rescore, f"was_{name}"), getattr(rescore, name))
        for name, label in TERMS.items()
    ]
    return [Change(str(label), str(one), str(other)) for label, one, other in pairs if one != other]


def value(found: float | bool) -> str:
    if isinstance(found, bool):
        return gettext("yes") if found else gettext("no")
    return formats.number_format(f"{found:.6g}")
