"""The first teams of the private board hand in code or a report, and organizers verify them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leaderboard.errors import Conflict, Refused
from leaderboard.models import AuditEntry, Competition, Notice, Submission, Team, User, Verification
from leaderboard.services import (
    competitions,
    notice_words,
    previews,
    selections,
    snapshot_boards,
    sweeping,
    teams,
    telling,
    verifications,
)
from tests.leaderboard.api.conftest import API
from tests.leaderboard.conftest import person

pytestmark = pytest.mark.django_db
PAGE = "/competitions/waste/team/verification/"
ZIP = b"PK\x03\x04 an archive that nobody opens here"


def soon(**fields: int) -> Any:
    return timezone.now() + timedelta(**(fields or {"days": 7}))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def closed(
    team: Team, rivals: Team, scored: Callable[..., Submission], organizer: User
) -> Competition:
    """Sorters, Rivals and Third stand in this order on the private board."""
    third = teams.create(competition=team.competition, name="Third", by=person("third"))
    for number, one in enumerate((team, rivals, third), start=1):
        scored(one, seed=number, time_ratio=0.4 + number / 10)
    competitions.close(competition=team.competition, by=organizer)
    return Competition.objects.get()


@pytest.fixture
def published(closed: Competition, organizer: User) -> Competition:
    competitions.publish(competition=closed, by=organizer)
    return closed


def ask(competition: Competition, by: User, count: int = 2) -> dict[str, Verification]:
    made = verifications.ask(
        competition=competition, count=count, due_at=soon(), wish="Code and report", by=by
    )
    return {one.team.name: one for one in made}


def board() -> list[tuple[int | None, str, str]]:
    """Rank, team and verification of each row, as the API tells them."""
    rows = Client().get(f"{API}/competitions/waste/boards/private").json()["results"]
    return [(row["rank"], row["team"], row["verification"]) for row in rows]


def told(user: User) -> list[str]:
    telling.go_on(seconds=60)
    return [notice_words.said(one)[0] for one in Notice.objects.filter(user=user)]


def test_the_first_teams_are_asked_once_and_told(
    closed: Competition, team: Team, owner: User, organizer: User, rival: User
) -> None:
    with pytest.raises(Refused, match="in the future"):
        verifications.ask(competition=closed, count=1, due_at=soon(days=-1), wish="W", by=organizer)
    assert list(ask(closed, organizer, count=1)) == ["Sorters"]
    assert list(ask(closed, organizer, count=2)) == ["Rivals"], "the first team was asked before"
    assert any("is asked for its code" in one for one in told(owner))
    assert "Hand it in before" in notice_words.said(Notice.objects.filter(user=rival).first())[1]
    # They know a part of the private board now: nobody can use that for another upload.
    with pytest.raises(Conflict, match="already asked for a verification"):
        competitions.reopen(competition=closed, by=organizer)
    with pytest.raises(Conflict, match="already asked for a verification"):
        selections.choose(team=team, submission_ids=[], by=owner)
    assert "Sorters" not in Client().get("/competitions/waste/result/").content.decode()


def test_an_open_competition_has_no_winners_yet(
    competition: Competition, organizer: User, outsider: User
) -> None:
    with pytest.raises(Conflict, match="Close the competition first"):
        ask(competition, organizer)
    with pytest.raises(Refused, match="organizers"):
        ask(competition, outsider)


def test_a_team_hands_in_and_organizers_alone_get_the_file(
    published: Competition, owner: User, rival: User, outsider: User, organizer: User
) -> None:
    asked = ask(published, organizer)["Sorters"]
    mine, theirs = signed_in(owner), signed_in(rival)
    assert "Code and report" in mine.get(PAGE).content.decode()
    sent = {"file": ContentFile(ZIP, name="../code.zip"), "link": "https://git.example/x"}
    assert mine.post(PAGE, sent).status_code == 302
    asked.refresh_from_db()
    assert (asked.state, asked.file_name, asked.size_bytes) == ("handed_in", "code.zip", len(ZIP))
    url = reverse("admin:leaderboard_verification_sent", args=[asked.pk])
    answer: Any = signed_in(organizer).get(url)
    assert b"".join(answer.streaming_content) == ZIP
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    for client in (mine, theirs, signed_in(outsider), Client()):
        assert client.get(url).status_code in (302, 403)
    assert "code.zip" not in theirs.get(PAGE).content.decode()
    assert "git.example" not in Client().get("/competitions/waste/result/").content.decode()


def test_what_is_no_zip_or_pdf_is_refused_with_a_code(
    published: Competition, owner: User, organizer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ask(published, organizer)["Sorters"]
    monkeypatch.setattr(verifications, "MOST_BYTES", 100)

    def sent(content: bytes | None = None, link: str = "") -> str:
        upload = None if content is None else ContentFile(content, name="code.zip")
        with pytest.raises(Refused) as refusal:
            verifications.hand_in(verification=asked, upload=upload, link=link, note="", by=owner)
        return refusal.value.code

    assert sent() == "nothing_sent"
    assert sent(b"#!/bin/sh") == "not_zip_or_pdf"
    assert sent(ZIP * 9) == "too_large"
    for link in (
        "http://git.example",
        "javascript:alert(1)",
        "https://",
        "https://a.b/" + "x" * 500,
    ):
        assert sent(link=link) == "bad_link", link
    Verification.objects.update(due_at=soon(days=-1))
    asked.refresh_from_db()
    assert sent(ZIP) == "verification_over"
    page = signed_in(owner).post(PAGE, {"file": ContentFile(ZIP, name="a.zip")}, follow=True)
    assert "a later date" in page.content.decode()
    with pytest.raises(Refused, match="member"):
        verifications.hand_in(
            verification=asked, upload=None, link="", note="", by=person("stranger")
        )


def test_a_refusal_moves_ranks_with_a_dated_note_and_can_be_taken_back(
    published: Competition, owner: User, organizer: User
) -> None:
    asked = ask(published, organizer)
    first = asked["Sorters"]
    verifications.verify(verification=asked["Rivals"], by=organizer)
    with pytest.raises(Refused, match="Give a reason"):
        verifications.refuse(verification=first, reason=" ", by=organizer)
    verifications.refuse(verification=first, reason="No training code", by=organizer)
    assert board() == [(1, "Rivals", "verified"), (2, "Third", ""), (None, "Sorters", "refused")]
    answer: Any = Client().get(f"{API}/competitions/waste/boards/private.csv")
    csv = b"".join(answer.streaming_content).decode()
    assert csv.splitlines()[0].endswith(",verification,kind")
    assert csv.splitlines()[3].startswith(",Sorters")
    for page in ("boards/private/", "result/"):
        shown = " ".join(Client().get(f"/competitions/waste/{page}").content.decode().split())
        assert "<strong>Sorters</strong> lost its rank" in shown
        assert "The reason: No training code" in shown
        assert "below the gate" not in shown
    rows = snapshot_boards.private_rows(published, is_final=True)
    assert [(row.rank, row.verification) for row in rows][-1] == (None, "refused")
    assert any("is refused" in one for one in told(owner))
    # The public board does not change.
    public = Client().get(f"{API}/competitions/waste/boards/public").json()["results"]
    assert [row["team"] for row in public] == ["Sorters", "Rivals", "Third"]

    verifications.ask_again(verification=first, due_at=soon(), reason="It came", by=organizer)
    assert [row[:2] for row in board()] == [(1, "Sorters"), (2, "Rivals"), (3, "Third")]
    notes = verifications.notes(published)
    assert [(one.is_ranked, one.reason) for one in notes] == [
        (True, "It came"),
        (False, "No training code"),
    ]
    entry = AuditEntry.objects.filter(act="verification_refused").get()
    assert (entry.before, entry.after) == ({"state": "asked"}, {"state": "refused"})
    assert entry.why == "No training code"


def test_a_missed_date_and_a_withdrawal_take_the_rank_too(
    closed: Competition, rival: User, organizer: User
) -> None:
    asked = ask(closed, organizer)
    Verification.objects.filter(pk=asked["Sorters"].pk).update(due_at=soon(seconds=-1))
    sweeping.sweep()
    signed_in(rival).post(PAGE, {"act": "withdraw"})
    # Before the publication the organizers see it in the preview, and nobody else does.
    rows = previews.of(closed, by=organizer).rows
    assert [(one.rank, one.team) for one in rows] == [
        (1, "Third"),
        (None, "Sorters"),
        (None, "Rivals"),
    ]
    assert (
        "lost its rank" not in Client().get("/competitions/waste/boards/private/").content.decode()
    )
    competitions.publish(competition=closed, by=organizer)
    assert board() == [(1, "Third", ""), (None, "Sorters", "missed"), (None, "Rivals", "withdrawn")]
    missed = AuditEntry.objects.get(act="verification_missed")
    assert missed.by_name == "service"
    with pytest.raises(Conflict, match="not possible now"):
        verifications.refuse(
            verification=Verification.objects.get(pk=missed.subject_id), reason="R", by=organizer
        )


def test_an_asked_team_gets_its_certificate_once_it_is_verified(
    published: Competition, owner: User, organizer: User
) -> None:
    certificate, third = (
        "/competitions/waste/team/certificate.pdf",
        User.objects.get(username="third"),
    )
    asked = ask(published, organizer)["Sorters"]
    assert signed_in(owner).get(certificate).status_code == 404
    for page in ("/competitions/waste/team/", "/competitions/waste/result/"):
        assert certificate not in signed_in(owner).get(page).content.decode()
        assert certificate in signed_in(third).get(page).content.decode()
    assert signed_in(third).get(certificate).status_code == 200, "it was not asked"
    verifications.verify(verification=asked, by=organizer)
    assert signed_in(owner).get(certificate).content.startswith(b"%PDF")


def test_the_panel_asks_verifies_and_takes_back(published: Competition, organizer: User) -> None:
    panel = signed_in(organizer)
    url = reverse("admin:leaderboard_competition_verify_winners", args=[published.pk])
    assert panel.get(url).status_code == 200
    until = soon().strftime("%Y-%m-%dT%H:%M")
    answer = panel.post(url, {"count": 2, "due_at": until, "wish": "Code"}, follow=True)
    assert "2 teams are asked." in answer.content.decode()
    asked = Verification.objects.get(team__name="Sorters")

    def press(step: str, **fields: str) -> str:
        page = reverse(f"admin:leaderboard_verification_{step}", args=[asked.pk])
        assert panel.get(page).status_code == 200
        panel.post(page, fields)
        asked.refresh_from_db()
        return asked.state

    assert press("refuse", reason="No code") == "refused"
    assert press("verify", reason="Code came by mail") == "verified"
    assert press("ask_again", reason="Once more", due_at=until) == "asked"
    result = reverse("admin:leaderboard_competition_result", args=[published.pk])
    assert "asked" in panel.get(result).content.decode()
