"""Owner, organizer and viewer of one competition: what each may see and do, there and elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import Client
from django.urls import reverse

from leaderboard.models import (
    Announcement,
    AuditEntry,
    Competition,
    Evaluation,
    Role,
    Submission,
    Team,
    User,
)
from leaderboard.services import teams
from tests.leaderboard.api.conftest import API, client_of
from tests.leaderboard.conftest import person

pytestmark = pytest.mark.django_db
ROLES = ("owner", "organizer", "viewer")


@dataclass
class Contest:
    """A competition with a row of each noun."""

    competition: Competition
    team: Team
    submission: Submission
    queued: Evaluation
    announcement: Announcement
    role: Role

    @property
    def rows(self) -> tuple[Any, ...]:
        entry = AuditEntry.objects.filter(competition=self.competition).first()
        found = (self.competition, self.team, self.submission, self.queued, self.announcement)
        return (*found, self.role, entry)


@pytest.fixture
def own(team: Team, scored: Callable[..., Submission], submit: Any, organizer: User) -> Contest:
    competition = team.competition
    announcement = Announcement.objects.create(competition=competition, title="A", text="B")
    submission = scored(team, seed=1)
    queued = submit(team, seed=2).latest_evaluation
    role = Role.objects.create(competition=competition, user=person("someone"), kind="viewer")
    return Contest(competition, team, submission, queued, announcement, role)


@pytest.fixture
def other(own: Contest, submit: Any) -> Contest:
    """Another competition, and not a word of the first one's people."""
    fields = {
        one.attname: getattr(own.competition, one.attname)
        for one in Competition._meta.concrete_fields
    }
    names = {"id": None, "slug": "hidden", "title": "Hidden contest"}
    competition = Competition.objects.create(**fields | names)
    team = teams.create(competition=competition, name="Strangers", by=person("stranger"))
    submission = submit(team, seed=3)
    announcement = Announcement.objects.create(competition=competition, title="A", text="B")
    role = Role.objects.create(competition=competition, user=person("else"), kind="viewer")
    evaluation = submission.latest_evaluation
    return Contest(competition, team, submission, evaluation, announcement, role)


@pytest.fixture
def holders(own: Contest, organizer: User) -> dict[str, Client]:
    found = {"operator": organizer}
    for kind in ROLES:
        found[kind] = person(f"the-{kind}")
        Role.objects.create(competition=own.competition, user=found[kind], kind=kind)
    clients = {kind: Client() for kind in found}
    for kind, client in clients.items():
        client.force_login(found[kind])
    return clients


ACTS = [
    # the row, the act, what is sent, and who may: operator, owner, organizer, viewer
    ("submission", "disqualify", {"reason": "Why"}, (302, 302, 302, 403)),
    ("submission", "reinstate", {}, (302, 302, 302, 403)),
    ("queued", "cancel", {}, (302, 302, 302, 403)),
    ("competition", "pause", {"message": ""}, (302, 302, 302, 403)),
    ("competition", "close", {}, (302, 302, 302, 403)),
    ("announcement", "remove", {}, (302, 302, 302, 403)),
    ("role", "end", {}, (302, 302, 403, 403)),
    ("team", "change", {"name": "Renamed"}, (302, 302, 302, 403)),
    ("announcement", "change", {"title": "C", "text": "D"}, (302, 302, 302, 403)),
    ("role", "change", {"kind": "organizer"}, (302, 302, 403, 403)),
]


def test_each_role_against_each_act(
    own: Contest, other: Contest, holders: dict[str, Client]
) -> None:
    wrong = []
    for name, step, fields, expected in ACTS:
        for (kind, client), status in zip(holders.items(), expected, strict=True):
            for contest in (own, other):
                row = getattr(contest, name)
                url = reverse(f"admin:leaderboard_{row._meta.model_name}_{step}", args=[row.pk])
                sent: dict[str, Any] = dict(fields)
                if name == "team":
                    for inline in ("memberships", "submissions"):
                        sent |= {f"{inline}-{one}_FORMS": 0 for one in ("TOTAL", "INITIAL")}
                with transaction.atomic():
                    before = AuditEntry.objects.count()
                    answer = client.post(url, sent)
                    written = AuditEntry.objects.count() - before
                    transaction.set_rollback(True)
                may = contest is own or kind == "operator"
                # Django sends people home from the form of a row that they may not see.
                hidden = {302, 403} if step == "change" else {404}
                hope = {status} if may else hidden
                if answer.status_code not in hope or written != int(may and status == 302):
                    wrong.append(f"{kind} {name} {step}: {answer.status_code} {written}, {hope}")
    assert not wrong, "\n".join(wrong)


def test_each_role_sees_its_competition_and_nothing_else(
    own: Contest, other: Contest, holders: dict[str, Client]
) -> None:
    del holders["operator"]
    hidden = ("Hidden contest", "Strangers", "stranger", "E-mail is not configured")
    for kind, client in holders.items():
        seen = [client.get(reverse("admin:index")).content.decode()]
        for row, strange in zip(own.rows, other.rows, strict=True):
            name = f"admin:leaderboard_{row._meta.model_name}"
            for page in (reverse(f"{name}_changelist"), reverse(f"{name}_change", args=[row.pk])):
                answer = client.get(page)
                assert answer.status_code == 200, (kind, page)
                seen.append(answer.content.decode())
            answer = client.get(reverse(f"{name}_change", args=[strange.pk]))
            assert answer.status_code in (302, 404), (kind, name)
        export = client.get(reverse("admin:leaderboard_auditentry_export", args=["json"]))
        seen.append(b"".join(export).decode())
        assert "Waste sorting" in seen[0]
        assert not any("/clone" in page for page in seen), "a new draft is for operators"
        for text in hidden:
            assert not any(text in page for page in seen), (kind, text)


def test_addresses_are_no_search_for_a_role(own: Contest, holders: dict[str, Client]) -> None:
    page = reverse("admin:leaderboard_team_changelist")
    found = {
        (kind, word): own.team.name in client.get(page, {"q": word}).content.decode()
        for kind, client in holders.items()
        for word in ("owner@example", "owner")
    }
    assert found.pop(("operator", "owner@example"))
    assert found == {(kind, word): word == "owner" for kind, word in found}


def test_what_all_competitions_share_is_for_operators(
    own: Contest, holders: dict[str, Client]
) -> None:
    shared = [one._meta.model_name for one in admin.site._registry]
    kept = {
        model._meta.model_name
        for model, options in admin.site._registry.items()
        if getattr(options, "to_competition", "")
    }
    assert {"dataset", "hardwareprofile", "worker", "user", "apitoken"}.isdisjoint(kept)
    for kind in ROLES:
        menu = holders[kind].get(reverse("admin:index")).content.decode()
        for noun in shared:
            page = reverse(f"admin:leaderboard_{noun}_changelist")
            is_open = holders[kind].get(page).status_code == 200
            assert is_open == (noun in kept), (kind, noun)
            assert (f'href="{page}"' in menu) == (noun in kept), (kind, noun)
        for noun in ("competition", "dataset", "hardwareprofile", "user"):
            add = reverse(f"admin:leaderboard_{noun}_add")
            assert holders[kind].get(add).status_code == 403, (kind, noun)


def test_an_owner_gives_roles_in_the_own_competition(
    own: Contest, other: Contest, holders: dict[str, Client], outsider: User
) -> None:
    add = reverse("admin:leaderboard_role_add")
    page = holders["owner"].get(add).content.decode()
    assert "Waste sorting" in page
    assert "Hidden contest" not in page
    for kind in ("organizer", "viewer"):
        assert holders[kind].get(add).status_code == 403
    fields = {"competition": own.competition.pk, "person": "outsider", "kind": "organizer"}
    holders["owner"].post(add, fields | {"competition": other.competition.pk})
    assert not Role.objects.filter(user=outsider).exists()
    holders["owner"].post(add, fields | {"person": "nobody-here"})
    assert holders["owner"].post(add, fields).status_code == 302
    role = Role.objects.get(user=outsider)
    assert (role.competition, role.kind) == (own.competition, "organizer")
    entry = AuditEntry.objects.latest("pk")
    assert (entry.act, entry.by_name, entry.after) == (
        "role_given",
        "the-owner",
        {"kind": "organizer"},
    )
    assert "already" in holders["owner"].post(add, fields, follow=True).content.decode()


def test_pages_and_the_api_know_roles_too(own: Contest, other: Contest) -> None:
    viewer = person("the-viewer")
    client, api = Client(), client_of(viewer)
    client.force_login(viewer)
    pages = [f"/submissions/{own.submission.pk}/", f"/evaluations/{own.queued.pk - 1}/measurement/"]
    assert [client.get(page).status_code for page in pages] == [404, 404]
    Competition.objects.filter(pk=own.competition.pk).update(state="draft")
    assert client.get("/competitions/waste/").status_code == 404
    Role.objects.create(competition=own.competition, user=viewer, kind="viewer")
    assert [client.get(page).status_code for page in pages] == [200, 200]
    assert client.get("/competitions/waste/").status_code == 200
    assert api.get(f"{API}/me").json()["is_organizer"]
    assert api.get(f"{API}/submissions/{other.submission.pk}").status_code == 404
    assert client.get(f"/submissions/{other.submission.pk}/").status_code == 404
