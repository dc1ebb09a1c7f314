"""What the engine tells people: templates and facts, made into text where they are read.

A stored sentence has no language. The command line and logs use English; the site translates the
template first. Facts are never translated: numbers, file names, what a model said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from scoring.dataclass_json import Json

Fact = str | int | float


@dataclass(frozen=True)
class Sentence(Json):
    """One sentence: an English template for the operator `%`, and its facts by name."""

    text: str
    facts: dict[str, Fact] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        """The sentence in English."""
        return self.text % self.facts

    def about(self, **facts: Fact) -> Sentence:
        """The same sentence with more facts: for tables of templates."""
        return replace(self, facts={**self.facts, **facts})


def say(text: str, /, **facts: Fact) -> Sentence:
    """A sentence. `text` must be a literal: the catalogues of translations are collected from it.

    A percent sign in `text` is written twice, also without facts.
    """
    return Sentence(text, facts)


def joined(sentences: Iterable[Sentence], speak: Callable[[Sentence], str] = str) -> str:
    """Sentences as one text; in English unless `speak` says them in another language."""
    return " ".join(map(speak, sentences))


def spoken(found: Any, speak: Callable[[Sentence], str] = str) -> Any:
    """The JSON of a dataclass with each sentence as a text, and `said` joined as `message`.

    For doors that show a whole report; what is stored keeps its sentences.
    """
    if isinstance(found, (list, tuple)):
        return [spoken(one, speak) for one in found]
    if not isinstance(found, dict):
        return found
    if found.keys() == {"text", "facts"}:
        return speak(Sentence.from_json(found))
    if isinstance(said := found.get("said"), (list, tuple)):
        others = {key: spoken(value, speak) for key, value in found.items() if key != "said"}
        return {**others, "message": " ".join(spoken(said, speak))}
    return {key: spoken(value, speak) for key, value in found.items()}
