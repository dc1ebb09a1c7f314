"""Each catalogue holds every sentence of the sources, translated, with the same placeholders."""

from __future__ import annotations

import re

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo

from leaderboard.locale import catalogues

PLACEHOLDER = re.compile(r"%\([a-z_0-9]+\)[sdg]|\{[a-z_0-9.:]*\}|</?[a-z0-9]+")
"""Of both kinds of formats; and tags, since a lost one breaks the page."""
languages = pytest.mark.parametrize("code", catalogues.languages())


def keys(catalogue: Catalog) -> set[tuple[str, str]]:
    return {(one.context or "", forms(one.id)[0]) for one in catalogue if one.id}


def forms(texts: str | tuple[str, ...] | list[str]) -> list[str]:
    return [texts] if isinstance(texts, str) else list(texts)


def sentences(catalogue: Catalog) -> dict[tuple[str, ...], list[str]]:
    return {(one.context or "", *forms(one.id)): forms(one.string) for one in catalogue if one.id}


def is_kept(message: Message) -> bool:
    """Whether every form of the translation has the placeholders of the last English form."""
    expected = sorted(PLACEHOLDER.findall(forms(message.id)[-1]))
    return all(sorted(PLACEHOLDER.findall(text)) == expected for text in forms(message.string))


def test_there_is_korean() -> None:
    assert "ko" in catalogues.languages()


@languages
def test_no_message_is_missing_and_none_is_left_over(code: str) -> None:
    assert keys(catalogues.read(code)) == keys(catalogues.extracted()), "run: make messages"


@languages
def test_every_message_is_translated(code: str) -> None:
    messages = [one for one in catalogues.read(code) if one.id]
    assert not [one.id for one in messages if not catalogues.is_translated(one.string)]
    assert not [one.id for one in messages if one.fuzzy]


@languages
def test_a_translation_has_the_placeholders_and_tags_of_its_message(code: str) -> None:
    messages = [one for one in catalogues.read(code) if one.id]
    assert not [one.id for one in messages if not is_kept(one)]


def test_no_korean_sentence_leaves_the_choice_of_a_particle_to_its_reader() -> None:
    both = re.compile(r"\((을|를|이|가|은|는|와|과|으|이)\)")
    texts = [text for one in catalogues.read("ko") if one.id for text in forms(one.string)]
    assert not [text for text in texts if both.search(text)]


@languages
def test_the_compiled_file_is_that_of_the_sentences(code: str) -> None:
    with catalogues.path(code, "mo").open("rb") as file:
        assert sentences(read_mo(file)) == sentences(catalogues.read(code)), "run: make messages"
