"""The steps of a competition as a card shows them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from django.urls import reverse
from unfold.templatetags.unfold import unicoded_slugify

from leaderboard.models import Competition


@dataclass(frozen=True)
class Step:
    """One step. `is_needed`: the competition cannot go on without it."""

    title: str
    said: str
    is_done: bool
    is_needed: bool = True
    url: str = ""
    button: str = ""
    """What the main button says while this step is the next."""
    other: tuple[str, str] | None = None
    """Another way to do the step: address and words of its link, while it is the next."""
    page: str = ""
    """Where the title leads, if not to the page of the button."""
    tab: str = ""
    """The tab of the form, if the step is done there."""
    percent: float | None = None
    is_trouble: bool = False
    is_for_operators: bool = False
    """Whether the address is of something that all competitions share."""

    @property
    def slug(self) -> str:
        """The name by which Unfold knows the tab."""
        return unicoded_slugify(self.tab) if self.tab else ""


@dataclass(frozen=True)
class Way:
    steps: list[Step]
    next: Step | None
    """The first needed step that is not done."""
    is_live: bool
    """Whether something is under way that changes the card by itself."""

    @property
    def done(self) -> int:
        return sum(step.is_done for step in self.steps)


def without_button(step: Step) -> Step:
    return dataclasses.replace(step, url="", button="", other=None)


def step_url(competition: Competition, step: str) -> str:
    return reverse(f"admin:leaderboard_competition_{step}", args=[competition.pk])
