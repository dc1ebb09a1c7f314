"""Mails about an account wait in the queue, read from a real mail server on this machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone

from leaderboard import tasks
from leaderboard.models import Letter, User
from leaderboard.services import letters, mailing
from tests.leaderboard import mail

SIGN_UP = "/accounts/signup/"
RESET = "/accounts/password/reset/"
PASSWORD = "a-light-model"


@pytest.fixture
def inbox(settings: Any) -> Iterator[mail.Inbox]:
    settings.SITE_URL = "https://example.org"
    settings.SITE_HOST = "example.org"
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    with mail.server(settings) as inbox:
        yield inbox


def sign_up(name: str, address: str, language: str = "en") -> tuple[int, str]:
    fields = {"username": name, "email": address, "password1": PASSWORD}
    got = Client(headers={"accept-language": language}).post(SIGN_UP, fields)
    return got.status_code, got.headers["location"]


def ask(address: str, language: str = "en") -> tuple[int, str]:
    """Ask for a new password."""
    got = Client(headers={"accept-language": language}).post(RESET, {"email": address})
    return got.status_code, got.headers["location"]


def delivered(inbox: mail.Inbox) -> tuple[str, str, str, str]:
    """The subject, text, HTML and link of the one mail that the post sends now."""
    inbox.mails.clear()
    tasks.post()
    [got] = inbox.mails
    plain, html = mail.parts(got)
    [link] = re.findall(r"https?://\S+", plain)
    assert link in html
    return got["Subject"], plain, html, link.partition("testserver")[2]


@pytest.mark.django_db
def test_an_account_is_confirmed_and_gets_a_new_password_by_mail(inbox: mail.Inbox) -> None:
    sign_up("ada", "ada@example.org")
    assert not inbox.mails, "the request waits for no mail server"
    subject, plain, html, link = delivered(inbox)
    assert subject == "Confirm your mail address"
    assert "account ada" in plain
    assert 'lang="en"' in html
    assert not Letter.objects.exists(), "the link is kept no longer than needed"
    Client().post(link)
    assert EmailAddress.objects.get(email="ada@example.org").verified

    ask("ada@example.org", language="ko")
    subject, plain, html, link = delivered(inbox)
    assert subject == "새 비밀번호를 정하십시오"
    assert 'lang="ko"' in html
    assert "Somebody" not in plain + html
    client = Client()
    form = client.get(link, follow=True).redirect_chain[-1][0]
    client.post(form, {"password1": "another-light-one", "password2": "another-light-one"})
    assert User.objects.get(username="ada").check_password("another-light-one")


def test_nobody_learns_who_has_an_account(inbox: mail.Inbox, owner: User) -> None:
    assert ask("nobody@example.org") == ask(owner.email)
    assert sign_up("bob", "bob@example.org") == sign_up("eve", owner.email)
    assert not User.objects.filter(username="eve").exists()
    assert list(Letter.objects.order_by("pk").values_list("kind", "address")) == [
        ("unknown", "nobody@example.org"),
        ("reset", owner.email),
        ("confirm", "bob@example.org"),
        ("exists", owner.email),
    ]
    tasks.post()
    assert [one["Subject"] for one in inbox.mails] == [
        "No account has this address",
        "Choose a new password",
        "Confirm your mail address",
        "You already have an account",
    ]
    for one in inbox.mails:
        assert all("example.org" in part for part in mail.parts(one))


def test_a_letter_is_sent_again_and_goes_when_it_is_given_up(
    inbox: mail.Inbox, owner: User, settings: Any
) -> None:
    def due_again() -> None:
        Letter.objects.update(mail_at=timezone.now() - timedelta(seconds=1))

    inbox.answer = "451 Try again later"
    ask(owner.email)
    tasks.post()
    assert Letter.objects.get().mail_attempts == 1
    inbox.answer = "250 OK"
    due_again()
    assert delivered(inbox)[0] == "Choose a new password"

    inbox.answer = "550 No such person"
    ask("nobody@example.org")
    tasks.post()
    assert not Letter.objects.exists(), "the server's word is final"

    settings.EMAIL_PORT = 1
    ask(owner.email)
    for _ in range(mailing.MOST_ATTEMPTS + 1):
        tasks.post()
        due_again()
    Letter.objects.update(created_at=timezone.now() - letters.KEPT)
    tasks.post()
    assert not Letter.objects.exists(), "a server that is away keeps no link for ever"

    settings.EMAIL_URL = ""
    assert Client().post(RESET, {"email": owner.email}).status_code == 200  # it says why not
    assert not Letter.objects.exists()
