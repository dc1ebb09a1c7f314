"""If a form is refused, the page that it came from says why, and nothing has changed."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from leaderboard.models import ApiToken, Competition, Submission, Team, User
from leaderboard.services import competitions, teams
from tests.leaderboard.web.conftest import text

UPLOAD = "/competitions/waste/submit/"
TEAM = "/competitions/waste/team/"


def file(content: bytes, name: str = "model.pt") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def test_an_upload_is_accepted(send: Any, team: Team, owner: User, model: bytes) -> None:
    page = send(owner, UPLOAD, file=file(model), note="first")
    sent = Submission.objects.get()
    assert page.request["PATH_INFO"] == sent.get_absolute_url()
    assert (sent.note, sent.door, sent.uploaded_by) == ("first", "web", owner)
    assert "#1 of 1" in text(page)


def test_with_htmx_the_browser_is_sent_to_the_submission(
    browser: Any, team: Team, owner: User, model: bytes
) -> None:
    answer = browser(owner).post(UPLOAD, {"file": file(model)}, headers={"hx-request": "true"})
    assert answer.headers["HX-Redirect"] == Submission.objects.get().get_absolute_url()


def test_the_same_model_again(send: Any, team: Team, owner: User, model: bytes) -> None:
    send(owner, UPLOAD, file=file(model))
    assert "already sent this model" in text(send(owner, UPLOAD, file=file(model)))
    assert Submission.objects.count() == 1


def test_bad_files(send: Any, browser: Any, team: Team, owner: User) -> None:
    for content in (b"", b"no zip at all", b"PK\x03\x04 cut off"):
        page = text(send(owner, UPLOAD, file=file(content)))
        assert "alert-danger" in page
    answer = browser(owner).post(UPLOAD, {"file": file(b"x")}, headers={"hx-request": "true"})
    assert answer.status_code == 400
    assert b"<html" not in answer.content
    assert not Submission.objects.exists()


def test_no_file(send: Any, team: Team, owner: User) -> None:
    assert "Model: This field is required." in text(send(owner, UPLOAD))


def test_a_file_too_large(send: Any, team: Team, owner: User, competition: Competition) -> None:
    Competition.objects.update(max_upload_bytes=1000)
    assert "the limit is 0.001 MB" in text(send(owner, UPLOAD, file=file(b"x" * 2000)))


def test_no_team(send: Any, competition: Competition, outsider: User, model: bytes) -> None:
    assert "not in a team of Waste sorting yet" in text(send(outsider, UPLOAD, file=file(model)))


def test_quota_used(
    send: Any, see: Any, submit: Any, team: Team, owner: User, model: bytes
) -> None:
    Competition.objects.update(submissions_per_day=1)
    team.refresh_from_db()
    submit(Team.objects.get(pk=team.pk), seed=5)
    assert "Sorters has used 1 of 1 submissions today" in text(
        send(owner, UPLOAD, file=file(model))
    )
    page = text(see(owner, UPLOAD))
    assert "Uploads left today: 0 of " in page
    assert "Your team has no upload left. The next one is possible on " in page


def test_paused(
    send: Any, competition: Competition, organizer: User, team: Team, owner: User, model: bytes
) -> None:
    competitions.pause(competition=competition, message="New fans.", by=organizer)
    page = text(send(owner, UPLOAD, file=file(model)))
    assert "Uploads are paused: New fans." in page
    assert not Submission.objects.exists()


def test_a_team_is_made_once(send: Any, team: Team, rival: User, owner: User) -> None:
    assert "already a team named sorters" in text(send(rival, TEAM, name="sorters"))
    assert "already in a team of this competition" in text(send(owner, TEAM, name="Second"))
    assert "This field is required." in text(send(rival, TEAM, name=""))
    assert "Third is ready" in text(send(rival, TEAM, name="Third"))


def test_an_invitation_lets_one_in(
    send: Any, team: Team, owner: User, rival: User, outsider: User
) -> None:
    code = teams.invite(team=team, by=owner).code
    url = f"/invitations/{code}/"
    assert "Welcome to Sorters" in text(send(rival, url))
    used = send(outsider, url)
    assert used.status_code == 404
    assert "unknown, used, revoked or expired" in text(used)


def test_a_full_team(send: Any, team: Team, owner: User, rival: User) -> None:
    Competition.objects.update(max_team_size=2)
    code = teams.invite(team=team, by=owner).code
    assert "Sorters is full" in text(send(rival, f"/invitations/{code}/"))


def test_the_last_member_of_a_team_with_submissions_stays(
    send: Any, submit: Any, rivals: Team, rival: User
) -> None:
    submit(rivals)
    url = "/competitions/waste/team/leave/"
    answer = send(rival, url, follow=False)
    assert answer.status_code == 302
    assert rivals.memberships.count() == 1


def test_leaving(send: Any, team: Team, teammate: User) -> None:
    assert "You have left Sorters" in text(send(teammate, "/competitions/waste/team/leave/"))


def test_finals_are_chosen(send: Any, see: Any, scored: Any, team: Team, owner: User) -> None:
    url = "/competitions/waste/submissions/"
    one, two, three = (scored(team, seed) for seed in (1, 2, 3))
    assert "Nothing is selected" in text(see(owner, url))
    assert "1 submission is selected" in text(send(owner, url, selected=[two.pk]))
    assert Submission.objects.get(pk=two.pk).selected_at is not None
    page = text(send(owner, url, selected=[one.pk, two.pk, three.pk]))
    assert "Select at most 2 submissions. You selected 3." in page
    assert "your best public submissions count" in text(send(owner, url))
    assert not Submission.objects.exclude(selected_at=None).exists()


def test_what_is_not_the_teams_own_cannot_be_chosen(
    send: Any, scored: Any, team: Team, rivals: Team, owner: User
) -> None:
    foreign = scored(rivals)
    page = text(send(owner, "/competitions/waste/submissions/", selected=[foreign.pk]))
    assert "Only scored submissions of your team" in page


@pytest.mark.parametrize("number", ["²", "-1", "x", "", "9" * 30, "9" * 5000])
def test_what_is_no_number_of_a_submission_cannot_be_chosen(
    send: Any, scored: Any, team: Team, owner: User, number: str
) -> None:
    mine = scored(team)
    page = text(send(owner, "/competitions/waste/submissions/", selected=[number, mine.pk]))
    assert "Selection: Choose from the list." in page
    assert not Submission.objects.exclude(selected_at=None).exists()


def test_a_token_is_shown_once_and_revoked(send: Any, see: Any, owner: User, rival: User) -> None:
    page = text(send(owner, "/profile/", name="CI", scope="read", days="30"))
    token = ApiToken.objects.get()
    assert "fw_" in page
    assert token.name == "CI"
    secret = page.split('id="new-token" readonly value="')[1].split('"')[0]
    assert secret not in text(see(owner, "/profile/"))
    url = f"/profile/tokens/{token.token_key}/revoke/"
    assert send(rival, url).status_code == 404
    assert ApiToken.objects.exists()
    assert "is revoked" in text(send(owner, url))
    assert not ApiToken.objects.exists()


def test_a_token_without_a_name(send: Any, owner: User) -> None:
    assert "Name: This field is required." in text(
        send(owner, "/profile/", scope="read", days="30")
    )


def test_a_forged_form_is_refused(owner: User, competition: Competition) -> None:
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    answer = client.post("/competitions/waste/team/", {"name": "Forged"})
    assert answer.status_code == 403
    assert "send the form again" in text(answer)
    assert not Team.objects.exists()


def test_a_form_of_a_page_that_was_signed_out_comes_back_to_that_page(
    browser: Any, team: Team
) -> None:
    page = "/competitions/waste/team/"
    answer = browser(None).post(f"{page}invite/", {}, headers={"referer": page}, follow=True)
    assert answer.redirect_chain == [(f"/accounts/login/?next={page}", 302)]
    assert "You were signed out, so nothing was changed." in text(answer)
    wrong = browser(None).post("/accounts/login/webauthn/", {"credential": "{}"}, follow=True)
    assert "You were signed out" not in text(wrong)


def test_an_address_of_a_form_is_told_apart_from_a_page(see: Any, owner: User) -> None:
    answer = see(owner, "/notices/read/")
    assert answer.status_code == 405
    assert "A form is sent to this address." in text(answer)
    told = see(owner, "/api/v2/device/token")
    assert (told.status_code, told.json()["code"]) == (405, "method_not_allowed")


def test_a_refused_form_leads_to_no_other_site(
    browser: Any, competition: Competition, owner: User
) -> None:
    answer = browser(owner).post("/profile/", {}, headers={"referer": "https://evil.example/"})
    assert answer.headers["Location"] == "/profile/"
