"""Sentences that the engine stored, in the language of their present reader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from django.utils.functional import Promise, lazy
from django.utils.translation import gettext

from scoring.sentences import Sentence

Stored = Sentence | Mapping[str, Any]
"""A sentence, or its JSON as a row holds it."""


def said(sentence: Stored) -> str:
    """One sentence in the active language, or in English if the catalogue lacks it."""
    whole = sentence if isinstance(sentence, Sentence) else Sentence.from_json(sentence)
    return gettext(whole.text) % whole.facts


def said_later(sentence: Stored) -> Promise:
    """A sentence for a label that is made once. Each reader sees it in the own language."""
    return cast(Promise, lazy(said, str)(sentence))


def message(sentences: Iterable[Stored]) -> str:
    """Sentences as one text in the active language."""
    return " ".join(map(said, sentences))


def stored(sentences: Iterable[Sentence]) -> list[dict[str, Any]]:
    """Sentences as a row holds them."""
    return [one.to_json() for one in sentences]
