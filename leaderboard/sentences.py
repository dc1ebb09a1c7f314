"""Says what the engine stored: sentences in the language of whoever reads them now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from django.utils.functional import Promise, lazy
from django.utils.translation import gettext

from scoring.sentences import Sentence

Stored = Sentence | Mapping[str, Any]
"""A sentence, or its JSON as a row holds it."""


def said(one: Stored) -> str:
    """One sentence in the active language; in English where the catalogue lacks it."""
    sentence = one if isinstance(one, Sentence) else Sentence.from_json(one)
    return gettext(sentence.text) % sentence.facts


def said_later(one: Stored) -> Promise:
    """For a label that is made once: the sentence in the language of each reader."""
    return cast(Promise, lazy(said, str)(one))


def message(sentences: Iterable[Stored]) -> str:
    """Sentences as one text in the active language."""
    return " ".join(map(said, sentences))


def stored(sentences: Iterable[Sentence]) -> list[dict[str, Any]]:
    """Sentences as a row holds them."""
    return [one.to_json() for one in sentences]
