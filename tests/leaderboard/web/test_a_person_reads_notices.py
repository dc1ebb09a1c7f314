"""The bell, the list of notices, and the choice of what a person is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leaderboard.models import Notice, Submission, Team, User
from leaderboard.services import notices, telling
from leaderboard.web import notices as pages
from tests.leaderboard.web.conftest import text

Kind = Notice.Kind


@pytest.fixture
def notice(team: Team, owner: User, scored: Callable[..., Submission]) -> Notice:
    scored(team)
    telling.go_on(seconds=60)
    return notices.of(owner).get()


def test_the_bell_counts_what_is_unread(
    see: Any, notice: Notice, owner: User, outsider: User
) -> None:
    assert '<b class="bell-count">1<' in text(see(owner, "/"))
    assert "bell-count" not in text(see(outsider, "/"))
    Notice.objects.bulk_create(
        Notice(user=owner, kind=Kind.PUBLISHED, competition=notice.competition)
        for _ in range(notices.MOST_COUNTED)
    )
    assert '<b class="bell-count">100+<' in text(see(owner, "/"))


def test_a_notice_leads_to_its_page_and_is_read(
    see: Any, notice: Notice, owner: User, outsider: User
) -> None:
    assert "is scored" in text(see(owner, "/notices/"))
    assert "is scored" not in text(see(outsider, "/notices/"))
    assert see(outsider, f"/notices/{notice.pk}/").status_code == 404
    assert notices.unread(owner) == 1
    went = see(owner, f"/notices/{notice.pk}/")
    assert went.headers["Location"] == notice.path
    assert notices.unread(owner) == 0


def test_notices_are_marked_one_by_one_or_all(send: Any, notice: Notice, owner: User) -> None:
    send(owner, f"/notices/{notice.pk}/mark/")
    assert notices.unread(owner) == 0
    send(owner, f"/notices/{notice.pk}/mark/", unread="1")
    assert notices.unread(owner) == 1
    send(owner, "/notices/read/")
    assert notices.unread(owner) == 0


def test_nobody_marks_the_notice_of_another(
    send: Any, notice: Notice, owner: User, outsider: User
) -> None:
    assert send(outsider, f"/notices/{notice.pk}/mark/").status_code == 404
    send(outsider, "/notices/read/")
    assert notices.unread(owner) == 1


def test_a_long_list_has_pages_and_asks_no_more_of_the_database(
    see: Any, notice: Notice, owner: User, django_assert_max_num_queries: Any
) -> None:
    with CaptureQueriesContext(connection) as few:
        see(owner, "/notices/")
    Notice.objects.bulk_create(
        Notice(user=owner, kind=Kind.PUBLISHED, competition=notice.competition)
        for _ in range(3 * pages.PAGE)
    )
    with django_assert_max_num_queries(len(few)):
        first = text(see(owner, "/notices/"))
    assert "Page 1 of 4" in first
    assert "is scored" not in first
    assert "is scored" in text(see(owner, "/notices/?page=4"))


def test_each_kind_is_switched_for_pages_and_mail(see: Any, send: Any, owner: User) -> None:
    before = text(see(owner, "/notices/choices/"))
    assert before.count('name="on_pages"') == before.count('name="by_mail"') == len(Kind.values)
    answer = send(owner, "/notices/choices/", on_pages=[Kind.FAILED], by_mail=[Kind.PUBLISHED])
    assert "notice settings are saved" in text(answer)
    owner.refresh_from_db()
    assert set(Kind.values) - set(owner.quiet_on_pages) == {Kind.FAILED}
    assert set(Kind.values) - set(owner.quiet_by_mail) == {Kind.PUBLISHED}
    assert "no notices of this kind" not in text(
        send(owner, "/notices/choices/", on_pages=["nonsense"])
    )
    owner.refresh_from_db()
    assert set(Kind.values) - set(owner.quiet_on_pages) == {Kind.FAILED}


def test_the_page_says_where_no_mail_is_sent(see: Any, owner: User, settings: Any) -> None:
    settings.EMAIL_URL = ""
    assert "This site sends no mail" in text(see(owner, "/notices/choices/"))
    settings.EMAIL_URL = "smtp://127.0.0.1:25"
    assert "This site sends no mail" not in text(see(owner, "/notices/choices/"))
