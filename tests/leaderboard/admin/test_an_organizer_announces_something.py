"""An announcement goes from the panel to the overview, to notices and to mails, once."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from leaderboard import tasks
from leaderboard.models import Announcement, Competition, Notice, Team, User
from leaderboard.services import notice_words, notices
from tests.leaderboard import mail
from tests.leaderboard.web.conftest import text

ADD = reverse("admin:leaderboard_announcement_add")


@pytest.fixture
def write(panel: Client, team: Team) -> Any:
    def post(title: str, text: str, **more: Any) -> Announcement:
        fields = {"competition": team.competition_id, "title": title, "text": text}
        answer = panel.post(ADD, fields | more)
        assert answer.status_code == 302
        return Announcement.objects.get(title=title)

    return post


def test_all_teams_are_told_on_pages_and_by_mail(
    write: Any, settings: Any, owner: User, outsider: User, organizer: User
) -> None:
    with mail.server(settings) as inbox:
        made = write("More data", "The sample **grew**. <script>alert(1)</script>")
        tasks.post()
        tasks.post()
    [notice] = notices.of(owner)
    assert notice.path == f"/competitions/waste/announcements/{made.pk}/"
    assert notice_words.said(notice)[0] == "Waste sorting: More data"
    assert not notices.unread(outsider)
    assert {one["To"] for one in inbox.mails} == {"owner@example.org", "teammate@example.org"}
    words, html = mail.parts(inbox.mails[0])
    assert "The sample grew." in words
    assert "<script" not in html


def test_the_form_promises_a_mail_only_where_mails_are_sent(panel: Client, settings: Any) -> None:
    settings.EMAIL_URL = ""
    assert "get a notice, once" in text(panel.get(ADD))
    assert "알림을 한 번 받습니다" in text(panel.get(ADD, headers={"accept-language": "ko"}))
    settings.EMAIL_URL = "smtp://mail.example.org"
    assert "get a notice and a mail, once" in text(panel.get(ADD))


def test_pinned_ones_stand_first_on_the_overview(write: Any, client: Client) -> None:
    write("Rules", "Read them.", is_pinned="on")
    for number in range(4):
        write(f"News {number}", "Nothing new.")
    page = text(client.get("/competitions/waste/"))
    shown = [title for title in ("Rules", "News 3", "News 2", "News 1", "News 0") if title in page]
    assert shown == ["Rules", "News 3", "News 2"]
    assert page.index(">Rules<") < page.index(">News 3<")
    every = text(client.get("/competitions/waste/announcements/"))
    assert "News 0" in every


def test_a_correction_changes_the_notice_and_sends_no_second_mail(
    write: Any, panel: Client, settings: Any, owner: User
) -> None:
    with mail.server(settings) as inbox:
        made = write("More data", "Tomorow.")
        tasks.post()
        count = len(inbox.mails)
        change = reverse("admin:leaderboard_announcement_change", args=[made.pk])
        panel.post(change, {"title": "More data", "text": "Tomorrow."})
        tasks.post()
        assert len(inbox.mails) == count
    assert notice_words.said(notices.of(owner).get())[1] == "Tomorrow."


def test_what_is_removed_is_removed_everywhere(
    write: Any, press: Any, client: Client, owner: User
) -> None:
    made = write("The password", "It is 1234.")
    tasks.post()
    press(made, "remove")
    assert not Notice.objects.exists()
    assert "1234" not in text(client.get("/competitions/waste/"))
    assert client.get(made.get_absolute_url()).status_code == 404


def test_an_announcement_that_is_removed_at_once_is_not_told(write: Any, press: Any) -> None:
    press(write("Oops", "Nothing."), "remove")
    tasks.post()
    assert not Notice.objects.exists()


def test_a_drafts_announcement_is_for_organizers(
    panel: Client, client: Client, draft: Competition
) -> None:
    panel.post(ADD, {"competition": draft.pk, "title": "Soon", "text": "Wait."})
    assert client.get("/competitions/waste/announcements/").status_code == 404
