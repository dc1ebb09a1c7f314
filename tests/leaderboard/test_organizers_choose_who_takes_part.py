"""Everybody, whom the organizers accept or invite, or people of some domains: at each door."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from leaderboard.errors import NotAllowed, Refused
from leaderboard.models import Application, AuditEntry, Competition, Notice, Role, Team, User
from leaderboard.services import applications, bans, drafts, teams, telling
from leaderboard.services.contest_files import planning, reading, writing
from tests.leaderboard.admin.conftest import panel, press
from tests.leaderboard.api.conftest import API, client_of
from tests.leaderboard.conftest import person
from tests.leaderboard.web.conftest import browser, see, send, text

__all__ = ["browser", "panel", "press", "see", "send"]
pytestmark = pytest.mark.django_db

PAGE = "/competitions/waste/team/"
Contest = Callable[..., Competition]


@pytest.fixture
def contest(draft: Competition) -> Contest:
    """An open competition with these settings."""

    def make(**fields: Any) -> Competition:
        Competition.objects.filter(pk=draft.pk).update(state="open", **fields)
        return Competition.objects.get(pk=draft.pk)

    return make


@pytest.fixture
def asking(contest: Contest) -> Competition:
    return contest(admission="approval", questions="Who are you?\n\n What do you try? \n")


def codes_at_each_door(competition: Competition, who: User, code: str, send: Any) -> set[str]:
    """What each way into a team says to a person, and that none lets the person in."""
    api = client_of(who)
    found = {
        api.post(f"{API}/competitions/waste/teams", {"name": "New"}, format="json").json()["code"],
        api.post(f"{API}/teams/join", {"code": code}, format="json").json()["code"],
    }
    for act in (
        lambda: teams.compete_alone(competition=competition, by=who),
        lambda: teams.accept(code=code, by=who),
    ):
        with pytest.raises(NotAllowed) as refusal:
            act()
        found.add(refusal.value.code)
    for url in (PAGE, f"/invitations/{code}/"):
        assert refusal.value.detail in text(send(who, url, name="New"))
    assert teams.of(who, competition) is None
    return found


def test_an_application_is_sent_waits_and_is_accepted(
    asking: Competition, see: Any, send: Any, press: Any, outsider: User, organizer: User
) -> None:
    form = text(see(outsider, PAGE))
    assert "Who are you?" in form
    assert "Create a team" not in form
    missing = send(outsider, f"{PAGE}apply/", answer0="A student")
    assert missing.status_code == 400
    assert "A student" in text(missing)  # what was typed stays
    send(outsider, f"{PAGE}apply/", answer0="A student", answer1="Small nets")
    waits = text(see(outsider, PAGE))
    assert "Your application is waiting for a decision" in waits
    assert "Small nets" in waits
    send(outsider, f"{PAGE}apply/", answer0="A student", answer1="Smaller nets")
    application = Application.objects.get()
    assert [one["answer"] for one in application.answers] == ["A student", "Smaller nets"]
    telling.go_on(seconds=60)
    told = Notice.objects.get(user=organizer)
    assert (told.kind, told.facts) == ("applied", {"waiting": 1})
    press(application, "accept")
    telling.go_on(seconds=60)
    assert Notice.objects.get(user=outsider).facts["state"] == "accepted"
    assert "Create a team" in text(see(outsider, PAGE))
    teams.compete_alone(competition=asking, by=outsider)
    entry = AuditEntry.objects.get(act="application_accepted")
    assert (entry.by_name, entry.subject, entry.after) == (
        "organizer",
        "outsider",
        {"state": "accepted"},
    )


def test_each_mode_is_the_same_at_each_door(
    contest: Contest, send: Any, owner: User, outsider: User, organizer: User
) -> None:
    team = teams.create(competition=contest(), name="Sorters", by=owner)
    code = teams.invite(team=team, by=owner).code
    asking = contest(admission="approval", questions="Who are you?")
    assert codes_at_each_door(asking, outsider, code, send) == {"application_needed"}
    sent = applications.apply(competition=asking, answers=["A student"], by=outsider)
    assert codes_at_each_door(asking, outsider, code, send) == {"application_waiting"}
    applications.refuse(application=sent, reason="Too late.", by=organizer)
    assert codes_at_each_door(asking, outsider, code, send) == {"application_refused"}
    with pytest.raises(Refused, match="have already decided"):
        applications.apply(competition=asking, answers=["Please"], by=outsider)
    invited = contest(admission="invitation")
    assert codes_at_each_door(invited, outsider, code, send) == {"invitation_needed"}
    domain = contest(admission="domain", mail_domains="@Uni.example\nexample.com")
    address = EmailAddress.objects.create(user=outsider, email="o@UNI.example", verified=False)
    EmailAddress.objects.create(user=outsider, email="o@sub.example.com", verified=True)
    assert codes_at_each_door(domain, outsider, code, send) == {"address_needed"}
    EmailAddress.objects.filter(pk=address.pk).update(verified=True)
    assert teams.accept(code=code, by=outsider) == team
    contest(admission="invitation")  # who is in stays in
    assert teams.of(outsider, domain) == team


def test_the_api_tells_what_is_missing_and_applies(asking: Competition, outsider: User) -> None:
    api = client_of(outsider)
    address = f"{API}/competitions/waste/admission"
    found = api.get(address).json()
    assert (found["is_admitted"], found["code"]) == (False, "application_needed")
    assert found["questions"] == ["Who are you?", "What do you try?"]
    target = f"{API}/competitions/waste/application"
    for answers, code in (
        (["one"], "answers_missing"),
        (["a", "b" * 2001], "answer_too_long"),
    ):
        got = api.put(target, {"answers": answers}, format="json")
        assert (got.status_code, got.json()["code"]) == (400, code)
    found = api.put(target, {"answers": ["a", "b"]}, format="json").json()
    assert found["code"] == "application_waiting"
    assert found["application"]["state"] == "waiting"
    Competition.objects.update(admission="open")
    assert api.get(address).json()["is_admitted"]
    assert api.put(target, {"answers": []}, format="json").json()["code"] == "no_applications"


def test_organizers_decide_about_many_and_viewers_look(
    asking: Competition, panel: Client, organizer: User
) -> None:
    people = [person(f"applicant{number}") for number in range(4)]
    for one in people:
        applications.apply(competition=asking, answers=["a", "b"], by=one)
    keys = [one.pk for one in Application.objects.order_by("pk")]
    page = reverse("admin:leaderboard_application_changelist")
    viewer = person("viewer")
    Role.objects.create(competition=asking, user=viewer, kind="viewer")
    looks = Client()
    looks.force_login(viewer, "django.contrib.auth.backends.ModelBackend")
    chosen = {"_selected_action": keys[:2], "action": "accept_several"}
    assert "applicant3" in looks.get(page).content.decode()
    assert "applicant3@" not in looks.get(page).content.decode()
    looks.post(page, chosen)
    assert not Application.objects.exclude(state="waiting").exists()
    panel.post(page, chosen)
    asked = panel.post(page, {"_selected_action": keys[2:], "action": "refuse_several"})
    assert looks.post(asked["Location"], {"reason": "Full"}).status_code == 403
    assert "applicant2, applicant3" in panel.get(asked["Location"]).content.decode()
    assert panel.post(asked["Location"], {"reason": ""}).status_code == 200
    panel.post(asked["Location"], {"reason": "We are full."})
    states = list(Application.objects.order_by("pk").values_list("state", "reason"))
    assert states == [("accepted", "")] * 2 + [("refused", "We are full.")] * 2
    assert AuditEntry.objects.filter(act="application_refused", why="We are full.").count() == 2
    only_waiting = panel.get(page, {"state__exact": "waiting"}).content.decode()
    assert "applicant0" not in only_waiting


def test_a_member_is_not_refused_and_a_banned_person_does_not_apply(
    asking: Competition, organizer: User, outsider: User, rival: User
) -> None:
    sent = applications.apply(competition=asking, answers=["a", "b"], by=outsider)
    applications.accept(application=sent, by=organizer)
    with pytest.raises(Refused) as refusal:
        applications.accept(application=sent, by=organizer)
    assert refusal.value.code == "application_decided"
    team = teams.compete_alone(competition=asking, by=outsider)
    with pytest.raises(Refused, match="Ban the person"):
        applications.refuse(application=sent, reason="No", by=organizer)
    with pytest.raises(NotAllowed):
        applications.refuse(application=sent, reason="No", by=rival)
    bans.ban(team=team, person=outsider, reason="Shared the images.", by=organizer)
    Team.objects.all().delete()
    Application.objects.all().delete()
    with pytest.raises(NotAllowed, match="Shared the images"):
        applications.apply(competition=asking, answers=["a", "b"], by=outsider)


def test_a_clone_and_a_contest_file_keep_the_mode(
    asking: Competition, organizer: User, tmp_path: Any
) -> None:
    text_of = writing.text_of(asking)
    path = tmp_path / "contest.yaml"
    path.write_text(text_of)
    assert not planning.planned(reading.read(path)).changes
    path.write_text(text_of.replace("admission: approval", "admission: invitation"))
    [change] = planning.planned(reading.read(path)).changes
    assert (change.path, change.after) == ("admission.admission", "invitation")
    copy = drafts.clone(competition=asking, slug="copy", title="Copy", by=organizer)
    assert (copy.admission, copy.question_list) == ("approval", asking.question_list)


def test_slips_in_the_form_are_said_beside_the_field(asking: Competition) -> None:
    for fields, name in (
        ({"admission": "domain"}, "mail_domains"),
        ({"admission": "domain", "mail_domains": "not a domain"}, "mail_domains"),
        ({"questions": "\n".join(["Why?"] * 21)}, "questions"),
        ({"questions": "?" * 301}, "questions"),
    ):
        wrong = Competition(**{"admission": "approval", **fields})
        with pytest.raises(ValidationError) as refusal:
            wrong.check_admission()
        assert list(refusal.value.message_dict) == [name]
