"""Notices by mail, read from a real mail server on this machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from leaderboard import tasks
from leaderboard.models import Notice, Submission, Team, User
from leaderboard.services import mailing, notices, people, telling
from tests.leaderboard import mail
from tests.leaderboard.conftest import failure, finish

Kind = Notice.Kind


@pytest.fixture
def inbox(settings: Any) -> Iterator[mail.Inbox]:
    settings.SITE_URL = "https://example.org"
    with mail.server(settings) as inbox:
        yield inbox


@pytest.fixture
def failed(inbox: mail.Inbox, team: Team, submit: Callable[..., Submission]) -> Submission:
    """A submission that failed. It is not told yet."""
    sent = submit(team)
    finish(sent.latest_evaluation, failure(message="It answered <b>4</b> numbers."))
    return sent


def sent_to(inbox: mail.Inbox, person: User) -> EmailMessage:
    [found] = [one for one in inbox.mails if one["To"] == person.email]
    return found


def due_again() -> None:
    """Let the pause after a failed attempt be over."""
    Notice.objects.exclude(mail_at=None).update(mail_at=timezone.now() - timedelta(seconds=1))


def test_a_mail_is_text_and_html_with_a_link_to_the_page(
    inbox: mail.Inbox, failed: Submission, owner: User, teammate: User
) -> None:
    tasks.post()
    assert {one["To"] for one in inbox.mails} == {owner.email, teammate.email}
    got = sent_to(inbox, owner)
    assert got["Subject"] == f"Submission #{failed.pk} of Sorters failed"
    text, html = mail.parts(got)
    for body in (text, html):
        assert f"https://example.org/submissions/{failed.pk}/" in body
    assert "It answered <b>4</b> numbers." in text
    assert "It answered &lt;b&gt;4&lt;/b&gt; numbers." in html
    assert 'lang="en"' in html


def test_a_mail_is_in_the_language_of_its_reader(
    inbox: mail.Inbox, failed: Submission, owner: User, teammate: User
) -> None:
    people.choose_language(person=owner, code="ko")
    Client(headers={"accept-language": "ko"}).get("/")
    reader = Client(headers={"accept-language": "ko"})
    reader.force_login(teammate, "django.contrib.auth.backends.ModelBackend")
    reader.get("/")  # chooses no language, and has a browser in Korean
    tasks.post()
    for person in (owner, teammate):
        got = sent_to(inbox, person)
        assert "실패" in got["Subject"]
        text, html = mail.parts(got)
        assert 'lang="ko"' in html
        assert not re.search("Stop mails", text + html)


def test_a_mail_is_sent_once(inbox: mail.Inbox, failed: Submission) -> None:
    tasks.post()
    tasks.post()
    assert len(inbox.mails) == 2


def test_a_server_that_is_busy_is_asked_again(inbox: mail.Inbox, failed: Submission) -> None:
    inbox.answer = "451 Try again later"
    tasks.post()
    inbox.answer = "250 OK"
    tasks.post()
    assert not inbox.mails  # the pause has not passed
    due_again()
    tasks.post()
    assert len(inbox.mails) == 2


def test_pauses_double_and_end(inbox: mail.Inbox, failed: Submission, owner: User) -> None:
    inbox.answer = "451 Try again later"
    pauses = []
    for _ in range(mailing.MOST_ATTEMPTS):
        tasks.post()
        [notice] = Notice.objects.filter(user=owner)
        if notice.mail_at:
            pauses.append(round((notice.mail_at - timezone.now()) / mailing.PAUSE))
        due_again()
    assert pauses == [2**number for number in range(mailing.MOST_ATTEMPTS - 1)]
    assert notice.mail_at is None
    assert not inbox.mails


def test_a_server_that_refuses_for_good_is_not_asked_again(
    inbox: mail.Inbox, failed: Submission
) -> None:
    inbox.answer = "550 No such person"
    tasks.post()
    assert not Notice.objects.exclude(mail_at=None).exists()
    assert notices.unread(User.objects.get(username="owner")) == 1  # the page has it


def test_a_server_that_is_away_costs_no_attempt(
    inbox: mail.Inbox, failed: Submission, settings: Any
) -> None:
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    tasks.post()
    assert_all_wait()
    settings.EMAIL_PORT = port
    due_again()
    tasks.post()
    assert len(inbox.mails) == 2


def assert_all_wait() -> None:
    attempts = Notice.objects.exclude(mail_at=None).values_list("mail_attempts", flat=True)
    assert list(attempts) == [0, 0]


def test_a_password_that_the_server_refuses_loses_no_mail(
    inbox: mail.Inbox, failed: Submission, settings: Any
) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "site", "of last year"
    for _ in range(mailing.MOST_ATTEMPTS + 1):
        tasks.post()
        assert_all_wait()
        due_again()
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "", ""
    tasks.post()
    assert len(inbox.mails) == 2


def test_a_sender_that_the_server_refuses_loses_no_mail(
    inbox: mail.Inbox, failed: Submission
) -> None:
    inbox.sender = "553 This address is not yours"
    tasks.post()
    assert_all_wait()
    inbox.sender = "250 OK"
    due_again()
    tasks.post()
    assert len(inbox.mails) == 2


def test_a_mail_that_cannot_be_written_keeps_no_other_waiting(
    inbox: mail.Inbox, failed: Submission, owner: User, teammate: User
) -> None:
    telling.go_on(seconds=1)
    Notice.objects.filter(user=owner).update(facts={})
    tasks.post()
    assert [one["To"] for one in inbox.mails] == [teammate.email]
    [notice] = Notice.objects.filter(user=owner)
    assert notice.mail_at
    assert notice.mail_at > timezone.now()
    assert notice.mail_attempts == 1


def test_an_address_that_no_mail_can_have_keeps_no_other_waiting(
    inbox: mail.Inbox, failed: Submission, owner: User, teammate: User
) -> None:
    User.objects.filter(pk=owner.pk).update(email="two@example.org, three@example.org")
    tasks.post()
    assert [one["To"] for one in inbox.mails] == [teammate.email]
    assert Notice.objects.get(user=owner).mail_attempts == 1


def test_two_links_that_are_opened_at_once_both_end_their_mails(owner: User) -> None:
    first, second = User.objects.get(pk=owner.pk), User.objects.get(pk=owner.pk)
    notices.end_mails(person=first, kind=Kind.FAILED)
    notices.end_mails(person=second, kind=Kind.ANNOUNCEMENT)
    owner.refresh_from_db()
    assert {Kind.FAILED, Kind.ANNOUNCEMENT} <= set(owner.quiet_by_mail)


def test_without_a_mail_server_the_pages_tell(
    settings: Any, team: Team, owner: User, submit: Callable[..., Submission]
) -> None:
    settings.EMAIL_URL = ""
    finish(submit(team).latest_evaluation, failure())
    tasks.post()
    assert notices.unread(owner) == 1
    assert not Notice.objects.exclude(mail_at=None).exists()


def test_scores_go_by_mail_only_to_those_who_ask(
    inbox: mail.Inbox, team: Team, owner: User, teammate: User, scored: Any
) -> None:
    notices.choose(person=owner, on_pages=[], by_mail=[Kind.SCORED])
    scored(team)
    tasks.post()
    assert [one["To"] for one in inbox.mails] == [owner.email]
    assert notices.unread(owner) == 0
    assert notices.unread(teammate) == 1


def test_one_click_ends_the_mails_of_a_kind(
    inbox: mail.Inbox, failed: Submission, owner: User
) -> None:
    tasks.post()
    got = sent_to(inbox, owner)
    assert got["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = got["List-Unsubscribe"].strip(" <>").removeprefix("https://example.org")
    anybody = Client(enforce_csrf_checks=True)
    assert anybody.get(address).status_code == 200  # a scanner that follows links
    owner.refresh_from_db()
    assert Kind.FAILED not in owner.quiet_by_mail
    answer = anybody.post(address, {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    owner.refresh_from_db()
    assert Kind.FAILED in owner.quiet_by_mail
    assert Kind.ANNOUNCEMENT not in owner.quiet_by_mail


def test_a_forged_link_ends_nothing(inbox: mail.Inbox, failed: Submission, owner: User) -> None:
    token = mailing.signed(owner, Kind.FAILED)
    assert Client().post(f"/notices/unsubscribe/{token}x/").status_code == 404
    assert Client().get("/notices/unsubscribe/nothing/").status_code == 404
    owner.refresh_from_db()
    assert Kind.FAILED not in owner.quiet_by_mail
