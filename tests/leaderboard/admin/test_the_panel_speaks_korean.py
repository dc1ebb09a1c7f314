"""In Korean no English message is left on a page of the panel, and every field has a name."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import translation

from leaderboard.admin import words
from leaderboard.locale import catalogues
from leaderboard.models import Competition, User
from tests.leaderboard.admin.test_every_page_of_the_panel_renders import NOUNS, addresses, full

__all__ = ["full"]
SHOWN_ATTRIBUTES = {"aria-label", "placeholder", "title", "alt"}
FEWEST_LETTERS, FEWEST_BESIDE_FACTS = 4, 16
SILENT = {"script", "style", "pre", "code", "svg"}
EITHER = re.compile(r"을/를|이/가|은/는|와/과|\((으|을|를|이|가|은|는)\)")
"""A choice of a particle that is left to the reader."""
PLACEHOLDER = re.compile(r"%\\?\([a-z_0-9]+\\?\)[sd]|\\\{[a-z_0-9.:]*\\\}")


class Texts(HTMLParser):
    """The texts of a page that people read, one for each node or attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in SILENT
        self.found += [value or "" for name, value in attrs if name in SHOWN_ATTRIBUTES]

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in SILENT

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.found.append(data)


def texts(page: str) -> set[str]:
    parser = Texts()
    parser.feed(page)
    return {" ".join(text.split()) for text in parser.found} - {""}


@pytest.fixture
def english() -> re.Pattern[str]:
    """A pattern of every message whose Korean has other words."""
    messages = [one for one in catalogues.read("ko") if one.id and one.id != one.string]
    ids = [text for one in messages for text in ([one.id] if isinstance(one.id, str) else one.id)]
    sentences = {text for text in ids if is_telling(text)}
    patterns = (PLACEHOLDER.sub(".+", re.escape(" ".join(text.split()))) for text in sentences)
    return re.compile("|".join(sorted(patterns, key=len, reverse=True)))


def is_telling(message: str) -> bool:
    """Whether a text can only be this message: it is no name of an icon or of a row."""
    literal, places = PLACEHOLDER.subn("", re.escape(message))
    is_long = len(literal) >= (FEWEST_BESIDE_FACTS if places else FEWEST_LETTERS)
    return is_long and (message[0].isupper() or " " in message)


@pytest.fixture
def korean(settings: Any, panel: Client) -> Client:
    settings.LANGUAGES = [("en", "English"), ("ko", "Korean")]
    panel.defaults["HTTP_ACCEPT_LANGUAGE"] = "ko"
    return panel


@pytest.mark.usefixtures("full")
def test_no_page_holds_an_english_message(korean: Client, english: re.Pattern[str]) -> None:
    forms = [
        reverse(f"admin:leaderboard_{model}_add")
        for model in ("competition", "dataset", "hardwareprofile")
    ]
    left = set()
    for address in [*addresses(), *forms]:
        answer = korean.get(address, follow=True)
        if not answer["Content-Type"].startswith("text/html"):
            continue  # a contest file has the words of the organizers
        page = answer.content.decode()
        assert '<html lang="ko"' in page, address
        left |= {(text, address) for text in texts(page) if english.fullmatch(text)}
        left |= {(text, address) for text in texts(page) if EITHER.search(text)}
    names = {name.capitalize() for name in User.objects.values_list("username", flat=True)}
    assert not {(text, address) for text, address in left if text not in names}


def test_the_same_page_is_english_for_others(panel: Client, competition: Competition) -> None:
    page = panel.get(reverse("admin:index")).content.decode()
    assert "Competitions" in page
    assert "대회" not in page


def test_a_refusal_is_korean(korean: Client, competition: Competition) -> None:
    Competition.objects.update(state="closed", ends_at="2020-01-01T00:00Z")
    answer = korean.post(reverse("admin:leaderboard_competition_reopen", args=[competition.pk]))
    assert "대회의 종료 시각이 지났습니다." in answer.content.decode()


def test_every_shown_field_has_a_name_in_the_table(panel: Client) -> None:
    """Fields of accounts have the names of Django."""
    missing = []
    for model in NOUNS:
        options = admin.site._registry[model]
        if model.__name__ == "User":
            continue
        shown = {*options.list_display, *(options.fields or ())}
        for _, about in options.fieldsets or ():
            for one in about["fields"]:
                shown |= {one} if isinstance(one, str) else set(one)
        named = words.FIELDS[model].keys()
        fields = {field.name for field in model._meta.fields}
        missing += [(model.__name__, one) for one in sorted(shown & fields - named)]
    assert not missing


def test_the_names_of_the_table_reach_the_models() -> None:
    with translation.override("ko"):
        assert str(Competition._meta.verbose_name) == "대회"
        assert str(Competition._meta.get_field("min_quality").verbose_name) == "품질 하한"
