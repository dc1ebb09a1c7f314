"""Names of teams and tokens: one spelling, nothing invisible, and none that looks like another."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from leaderboard.models import Competition, Team, User
from tests.leaderboard.api.conftest import API, client_of
from tests.leaderboard.web.conftest import browser, see, text  # noqa: F401  fixtures

pytestmark = pytest.mark.django_db

UNREADABLE = {
    "": "nothing",
    "   ": "spaces",
    "\u3000\u00a0": "wide spaces",
    "a\u200bb": "zero width space",
    "a\u200db": "zero width joiner",
    "a\u202eb": "right-to-left override",
    "a\u2066b\u2069": "isolates",
    "\u200fabc": "right-to-left mark",
    "a\ufeffb": "byte order mark",
    "a\u00adb": "soft hyphen",
    "a\ue000b": "private use",
    "\U000f0000": "private use beyond",
    "a\x07b": "bell",
    "\u2800": "blank braille",
    "\u3164": "Hangul filler",
    "\u115f\u1160": "Hangul fillers",
    "a\uffa0b": "half-width filler",
    "\ufffc": "the place of an object",
    "\U0001d159": "a note without a head",
    "a\u2d7fb": "Tifinagh joiner",
    "a\U0001107fb": "Brahmi joiner",
    "\U00013441": "Egyptian blank",
    "a\U0001bc9db": "a selector of Duployan",
    "\U000e0041": "tag",
    "a\u034fb": "grapheme joiner",
    "\u0301": "an accent alone",
    "a" + "\u0301" * 10: "a pile of accents",
    "a\U0001fffeb": "no character",
    "x" * 61: "too long",
    "\ufdfa" * 10: "too long once it is spelt out",
}
SAME = {
    "Ѕоrtеrs": "Cyrillic letters",
    "SORTERS": "capitals",
    "Ｓｏｒｔｅｒｓ": "full width",
    "𝐒𝐨𝐫𝐭𝐞𝐫𝐬": "bold",
    "S0rters": "a nought",
    "Sοrters": "Greek omicron",
    "Sorters\ufe0f": "a variation selector",
    "  Sorters ": "spaces around",
    "Ꮪorters": "Cherokee",
}
FINE = ["비트 🚀", "東西", "Łódź–2", "Team 7", "Ünïcode & Söhne", "מיון", "O'Neill", "C++"]


def post(client: APIClient, name: str) -> Any:
    return client.post(f"{API}/competitions/waste/teams", {"name": name}, format="json")


def test_names_that_nobody_could_read_are_refused(competition: Competition, rival: User) -> None:
    client = client_of(rival)
    for name, why in UNREADABLE.items():
        answer = post(client, name)
        assert answer.status_code == 400, why
        assert answer.json()["code"] in ("bad_team_name", "invalid"), why
    assert not Team.objects.exists()


def test_names_that_look_alike_are_one(team: Team, rival: User) -> None:
    client = client_of(rival)
    for name, why in SAME.items():
        answer = post(client, name)
        assert (answer.status_code, answer.json()["code"]) == (409, "name_taken"), why
    assert Team.objects.count() == 1


def test_names_of_all_scripts_are_fine(competition: Competition) -> None:
    for number, name in enumerate(FINE):
        client = client_of(User.objects.create_user(f"person{number}"))
        assert post(client, name).status_code == 201, name
    assert sorted(Team.objects.values_list("name", flat=True)) == sorted(FINE)


def test_a_refused_name_stays_in_its_field(team: Team, rival: User, see: Any, browser: Any) -> None:  # noqa: F811
    page = browser(rival).post("/competitions/waste/team/", {"name": "Sorters"})
    assert page.status_code == 400
    assert 'value="Sorters"' in text(page)
    assert "Choose another" in text(page)
    assert not Team.objects.filter(memberships__user=rival).exists()


def test_token_names_likewise(owner: User, browser: Any) -> None:  # noqa: F811
    page = browser(owner).post(
        "/profile/", {"name": "CI\u202e", "scope": "read", "days": 30}, follow=True
    )
    assert "invisible character U+202E" in text(page)
    assert not owner.auth_token_set.exists()


def test_a_new_account_has_a_name_of_any_keyboard(db: None, browser: Any) -> None:  # noqa: F811
    for name in ("оwner", "a\u3164", "ow\u200bner"):
        fields = {"username": name, "email": "a@example.org"}
        passwords = {"password1": "a-long-passphrase"}
        browser(None).post("/accounts/signup/", fields | passwords)
    assert not User.objects.exists()
