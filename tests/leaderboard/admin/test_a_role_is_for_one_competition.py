"""Owner, organizer and viewer of one competition: what each may see and do, there and elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse
from django.utils import timezone

from leaderboard.models import (
    Announcement,
    Application,
    AuditEntry,
    Ban,
    Baseline,
    Competition,
    Declaration,
    Evaluation,
    FaqEntry,
    Guest,
    Question,
    Rescore,
    Role,
    Submission,
    Team,
    User,
    Verification,
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
    question: Question
    faq: FaqEntry

    @property
    def application(self) -> Application:
        return self.competition.applications.get()

    @property
    def guest(self) -> Guest:
        return self.competition.guests.get()

    @property
    def rescore(self) -> Rescore:
        return self.competition.rescores.get()

    @property
    def rows(self) -> tuple[Any, ...]:
        entry = AuditEntry.objects.filter(competition=self.competition).first()
        found = (self.competition, self.team, self.submission, self.queued, self.announcement)
        ban = self.competition.bans.first()
        asked = (self.application, self.guest, self.question, self.faq)
        more = (self.rescore, self.verification, self.declaration, self.baseline, *asked)
        return (*found, self.role, entry, ban, *more)

    @property
    def baseline(self) -> Baseline:
        return self.competition.baselines.get()

    @property
    def declaration(self) -> Declaration:
        return Declaration.objects.get(team=self.team)

    @property
    def waiting(self) -> Submission:
        assert self.queued.submission
        return self.queued.submission

    @property
    def ban(self) -> Ban:
        return self.competition.bans.get()

    @property
    def verification(self) -> Verification:
        return self.competition.verifications.get()


@pytest.fixture
def own(team: Team, scored: Callable[..., Submission], submit: Any, organizer: User) -> Contest:
    competition = team.competition
    announcement = Announcement.objects.create(competition=competition, title="A", text="B")
    submission = scored(team, seed=1)
    queued = submit(team, seed=2).latest_evaluation
    role = Role.objects.create(competition=competition, user=person("someone"), kind="viewer")
    decide(team, organizer)
    talk = talked(competition, "How many images?")
    return Contest(competition, team, submission, queued, announcement, role, *talk)


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
    teams.join(team, person("stranger-two"))
    submission = submit(team, seed=3)
    announcement = Announcement.objects.create(competition=competition, title="A", text="B")
    role = Role.objects.create(competition=competition, user=person("else"), kind="viewer")
    evaluation = submission.latest_evaluation
    decide(team, role.user)
    talk = talked(competition, "Hidden contest, or not?")
    return Contest(competition, team, submission, evaluation, announcement, role, *talk)


def talked(competition: Competition, text: str) -> tuple[Question, FaqEntry]:
    question = Question.objects.create(competition=competition, text=text)
    return question, FaqEntry.objects.create(competition=competition, question=text, answer="A")


def decide(team: Team, by: User) -> None:
    """A ban, another formula, a winner who is asked, an application, an invitation, a track and a
    baseline."""
    Baseline.objects.create(
        competition=team.competition,
        name="MobileNetV3",
        file="models/none.pt",
        size_bytes=1,
        static={"input": None},
        created_at=timezone.now(),
    )
    Declaration.objects.create(team=team, track="student")
    later = timezone.now() + timedelta(days=1)
    Verification.objects.create(
        competition=team.competition, team=team, rank=1, wish="Code", due_at=later
    )
    Application.objects.create(competition=team.competition, user=by)
    Guest.objects.create(
        competition=team.competition, address="a@b.example", code=f"c{team.pk}", expires_at=later
    )
    Ban.objects.create(competition=team.competition, team=team, reason="R", banned_by=by)
    named = dict.fromkeys(("time_weight", "k", "min_quality", "quality_ref"), 0.5)
    before = {f"was_{name}": value for name, value in named.items()}
    Rescore.objects.create(competition=team.competition, version=2, why="W", **named, **before)


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


def second(contest: Contest) -> str:
    """A member of the team who is not its captain."""
    return contest.team.memberships.filter(is_captain=False).get().user.username


def second_key(contest: Contest) -> int:
    return contest.team.memberships.filter(is_captain=False).get().user_id


TRAINING = {"architecture": "resnet18", "form": "onnx", "seconds": "60", "seed": "1"}
AGAIN = {"due_at": "2099-01-01T00:00", "reason": "R"}
MORE_UPLOADS = {"uploads": "3", "until": "2099-01-01T00:00", "reason": "Our fault"}
ACTS: list[tuple[str, str, dict[str, Any], tuple[int, ...]]] = [
    # the row, the act, the posted form, and the status for: operator, owner, organizer, viewer
    ("submission", "disqualify", {"reason": "Why"}, (302, 302, 302, 403)),
    (
        "submission",
        "reinstate",
        {"reason": "Why"},
        (409, 409, 409, 403),
    ),  # no submission is disqualified
    ("submission", "reinstate", {}, (200, 200, 200, 403)),  # not without a reason
    ("waiting", "evaluate_again", {}, (409, 409, 409, 403)),
    *(
        ("competition", step, fields, (409, 409, 409, 403))
        for step, fields in (
            *((one, {}) for one in ("open_", "resume", "reopen", "publish", "stop_preparing")),
            *((one, {}) for one in ("cancel_training", "delete_draft")),
            ("train_reference", TRAINING),
            ("verify_winners", {"count": "1", "due_at": "2099-01-01T00:00", "wish": "Code"}),
        )
    ),
    ("competition", "calibrate", {}, (302, 302, 302, 403)),
    ("competition", "extend", {"ends_at": "2099-01-01T00:00"}, (302, 302, 302, 403)),
    ("competition", "clone", {"title": "C", "slug": "c"}, (302, 403, 403, 403)),
    ("competition", "upload_reference", {}, (200, 200, 200, 403)),
    ("competition", "add_baseline", {}, (200, 200, 200, 403)),
    ("baseline", "replace", {}, (200, 200, 200, 403)),
    ("baseline", "measure", {}, (302, 302, 302, 403)),
    ("baseline", "change", {"name": "Renamed"}, (302, 302, 302, 403)),
    ("baseline", "remove", {}, (302, 302, 302, 403)),
    ("competition", "remove_track", {"track": "none", "reason": "R"}, (200, 200, 200, 403)),
    ("competition", "result", {"sign": "1"}, (302, 302, 302, 403)),
    ("queued", "cancel", {}, (302, 302, 302, 403)),
    ("competition", "pause", {"message": ""}, (302, 302, 302, 403)),
    ("competition", "close", {}, (302, 302, 302, 403)),
    # The rescore of another formula waits: nobody may measure again, and there is nothing to pause.
    ("competition", "measure_again", {"scope": "best", "why": "Why"}, (409, 409, 409, 403)),
    *(
        ("rescore", step, {}, (409, 409, 409, 403))
        for step in ("pause", "resume", "retry", "keep_failed", "fail_failed")
    ),
    ("rescore", "cancel", {}, (302, 302, 302, 403)),
    ("announcement", "remove", {}, (302, 302, 302, 403)),
    ("verification", "verify", {}, (302, 302, 302, 403)),
    ("verification", "refuse", {"reason": "No code"}, (302, 302, 302, 403)),
    ("verification", "ask_again", AGAIN, (409, 409, 409, 403)),
    ("application", "accept", {}, (302, 302, 302, 403)),
    ("application", "refuse", {"reason": "Why"}, (302, 302, 302, 403)),
    ("guest", "revoke", {}, (302, 302, 302, 403)),
    ("question", "answer", {"text": "Two."}, (302, 302, 302, 403)),
    ("question", "make_faq", {}, (409, 409, 409, 403)),
    ("question", "remove", {}, (302, 302, 302, 403)),
    ("faq", "remove", {}, (302, 302, 302, 403)),
    ("faq", "change", {"question": "C", "answer": "D", "position": 2}, (302, 302, 302, 403)),
    ("declaration", "revoke", {"reason": "No student"}, (302, 302, 302, 403)),
    ("declaration", "restore", {}, (302, 302, 302, 403)),
    ("role", "end", {}, (302, 302, 403, 403)),
    ("team", "rename", {"name": "Renamed", "reason": "Rude"}, (302, 302, 302, 403)),
    ("team", "more_uploads", MORE_UPLOADS, (302, 302, 302, 403)),
    ("team", "take_back", {}, (409, 409, 409, 403)),
    ("team", "merge", {"other": "Nobody", "reason": "R"}, (404, 404, 404, 403)),
    ("team", "split", {"username": second, "name": "S", "reason": "R"}, (302, 302, 302, 403)),
    ("team", "pass_on", {"username": second, "reason": "Ill"}, (302, 302, 302, 403)),
    ("team", "remove_member", {"username": second, "reason": "R"}, (302, 302, 302, 403)),
    ("team", "ban", {"who": second_key, "reason": "R"}, (302, 302, 302, 403)),
    ("team", "ban", {"who": "", "reason": "R"}, (409, 409, 409, 403)),
    ("ban", "lift", {}, (302, 302, 302, 403)),
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
                sent = {k: v(contest) if callable(v) else v for k, v in fields.items()}
                with transaction.atomic():
                    before = AuditEntry.objects.count()
                    answer = client.post(url, sent)
                    written = AuditEntry.objects.count() - before
                    transaction.set_rollback(True)
                entries = 2 if step == "clone" else 1  # the draft and its FAQ
                may = contest is own or kind == "operator"
                # Django sends people home from the form of a row that they may not see.
                hidden = {302, 403} if step == "change" else {404}
                hope = {status} if may else hidden
                if answer.status_code not in hope or written != entries * (may and status == 302):
                    wrong.append(f"{kind} {name} {step}: {answer.status_code} {written}, {hope}")
    assert not wrong, "\n".join(wrong)


ELSEWHERE = {"rescore": {"apply"}, "competition": {"formula"}}
"""Buttons with tests of their own: a preview must be prepared, and a page only leads to another.
Their addresses are requested below, like all addresses."""


def names(found: Any) -> Iterator[str]:
    """The names of buttons, also of those in a menu."""
    for one in found or ():
        yield from names(one["items"]) if isinstance(one, dict) else (str(one),)


def test_the_table_has_each_button_of_the_panel(own: Contest) -> None:
    tried = {(getattr(own, name)._meta.model_name, step) for name, step, *_ in ACTS}
    for model, noun in admin.site._registry.items():
        if not getattr(noun, "to_competition", ""):
            continue  # for operators only; below, each of its addresses refuses others
        buttons = set(names(getattr(noun, "actions_detail", ()))) - READS
        missing = {one for one in buttons if (model._meta.model_name, one) not in tried}
        missing -= ELSEWHERE.get(model._meta.model_name or "", set())
        assert not missing, (model, missing)


def test_each_role_sees_its_competition_and_nothing_else(
    own: Contest, other: Contest, holders: dict[str, Client]
) -> None:
    del holders["operator"], holders["organizer"]
    hidden = ("Hidden contest", "Strangers", "stranger", "Mail is not set up")
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
            assert (f'href="{page}"' in menu) == (noun in kept), (kind, noun)
    for noun in ("competition", "dataset", "hardwareprofile", "user"):
        add = reverse(f"admin:leaderboard_{noun}_add")
        assert holders["owner"].get(add).status_code == 403, noun


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
    change = reverse("admin:leaderboard_role_change", args=[role.pk])
    written = AuditEntry.objects.count()
    for kind in ("viewer", "viewer"):
        holders["owner"].post(change, {"kind": kind, "audit_why": "On leave"})
    holders["owner"].post(reverse("admin:leaderboard_role_end", args=[role.pk]))
    ended, changed = AuditEntry.objects.order_by("-pk")[:2]
    assert AuditEntry.objects.count() == written + 2  # the same role once more is no act
    assert (changed.before, changed.after) == ({"kind": "organizer"}, {"kind": "viewer"})
    assert (changed.subject, changed.why, changed.by_name) == ("outsider", "On leave", "the-owner")
    assert (ended.act, ended.before, ended.competition_id) == (
        "role_ended",
        {"kind": "viewer"},
        own.competition.pk,
    )


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
    rows = f"{API}/competitions/waste/exports/teams.csv"
    Competition.objects.filter(pk=own.competition.pk).update(state="open")
    assert api.get(rows).status_code == 403
    viewer.roles.update(kind="organizer")
    assert api.get(rows).status_code == 200
    assert api.get(rows.replace("waste", "hidden")).status_code == 403


def addresses(found: list[Any]) -> Iterator[URLPattern]:
    for one in found:
        if isinstance(one, URLResolver):
            yield from addresses(one.url_patterns)
        elif one.name:  # the last pattern, which catches everything else, has no name
            yield one


def address(pattern: URLPattern, contest: Contest) -> tuple[str, str, str]:
    """The noun and the step of an address, and the address of the contest's row."""
    nouns = {row._meta.model_name: row for row in contest.rows}
    kind = ContentType.objects.get_for_model(Competition)
    noun, step = "", pattern.name or ""
    if step.startswith(("leaderboard_", "auth_")):
        _, noun, step = step.split("_", 2)
    row = nouns.get(noun, contest.competition)
    known = {"object_id": row.pk, "id": row.pk, "pk": 1, "content_type_id": kind.pk}
    known |= {"kind": "teams", "form": "csv", "token": "a", "number": 1}
    known |= {"app_label": "leaderboard"}
    keys = {key: known[key] for key in pattern.pattern.regex.groupindex}
    return noun, step, reverse(f"admin:{pattern.name}", kwargs=keys)


READS = {"changelist", "change", "history", "way", "dashboard", "result", "file"}
"""What a viewer may look at, besides the export of the audit log."""
SITE = {
    # what a viewer gets of an address of no noun, by GET and by POST
    "index": (200, 200),
    "app_list": (200, 200),
    "search": (200, 200),
    "jsi18n": (200, 405),
    "login": (302, 302),
    "logout": (405, 200),
    "password_change": (302, 302),
    "password_change_done": (200, 405),
    "autocomplete": (403, 405),
    "view_on_site": (302, 302),
}


def test_each_address_of_the_panel_asks_for_the_role(
    own: Contest, other: Contest, holders: dict[str, Client], outsider: User
) -> None:
    kept = {row._meta.model_name for row in own.rows}
    nobody = Client()
    nobody.force_login(outsider)
    wrong = []

    def ask(client: Client, url: str, *sends: str) -> list[int]:
        """The statuses of GET and POST. Nobody here may change a row."""
        statuses = []
        for send in (getattr(client, name) for name in sends):
            with transaction.atomic():
                before = AuditEntry.objects.count() + LogEntry.objects.count()
                answer = send(url)
                is_home = answer.status_code == 302 and answer["Location"] == "/admin/"
                statuses.append(404 if is_home else answer.status_code)
                if AuditEntry.objects.count() + LogEntry.objects.count() != before:
                    wrong.append(f"{url} changed something")
                transaction.set_rollback(True)
        return statuses

    for one in addresses(admin.site.urls[0]):
        noun, step, url = address(one, own)
        is_read = step in READS or (noun, step) == ("auditentry", "export")
        lists = step in ("changelist", "history", "export") and is_read  # a POST shows the same
        got = ask(holders["viewer"], url, *(("get",) if lists else ("get", "post")))
        if step == "logout":
            holders["viewer"].force_login(User.objects.get(username="the-viewer"))
        if not noun:
            hope = [{status} for status in SITE[step]]
            hope = [{404}, {404}] if step == "login" else hope  # the first page of the panel
        elif noun not in kept:
            hope = [{403, 404}] * len(got)
        elif is_read:
            hope = [{200}] if lists else [{200}, {403}]
            hope = [{302}] if step == "history" else hope  # to the audit log
        else:
            hope = [{403}, {403}]
        if any(status not in some for status, some in zip(got, hope, strict=True)):
            wrong.append(f"viewer, own {noun} {step}: {got}, {hope}")
        if one.pattern.regex.groupindex and (noun or step) not in ("auditentry", "app_list"):
            got = ask(holders["owner"], address(one, other)[2], "get", "post")
            if not set(got) <= {403, 404}:
                wrong.append(f"owner, other {noun} {step}: {got}")
        if step not in ("login", "logout"):
            answer = nobody.get(url)
            if not answer.headers.get("Location", "").startswith("/admin/login/"):
                wrong.append(f"nobody, {noun} {step}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_staff_without_a_role_are_told_no_and_superusers_enter(outsider: User) -> None:
    client = Client()
    assert client.get("/admin/", follow=True).redirect_chain[-1][0].startswith("/accounts/login/")
    client.force_login(outsider)
    User.objects.filter(pk=outsider.pk).update(is_staff=True)
    assert client.get("/admin/", follow=True).status_code == 403
    assert not client.get(f"{API}/me").json()["is_organizer"]
    User.objects.filter(pk=outsider.pk).update(is_staff=False, is_superuser=True)
    assert client.get("/admin/login/", follow=True).redirect_chain[-1][0] == "/admin/"


def test_a_role_is_offered_only_what_it_may_do(own: Contest, holders: dict[str, Client]) -> None:
    name = "admin:leaderboard_competition_"
    steps = ("change", "way", "dashboard", "result", "file", "close", "clone")
    pages = {step: reverse(f"{name}{step}", args=[own.competition.pk]) for step in steps}
    operators = [
        reverse("admin:leaderboard_hardwareprofile_change", args=[own.competition.profile_id]),
        reverse("admin:leaderboard_worker_changelist"),
        pages["clone"],
    ]
    proposal = reverse("admin:leaderboard_rescore_change", args=[own.competition.rescores.get().pk])
    for kind in ("operator", "organizer", "viewer"):
        seen = holders[kind].get(pages["change"]).content.decode()
        seen += holders[kind].get(pages["dashboard"]).content.decode()
        for step in ("dashboard", "result", "file"):
            assert f'"{pages[step]}"' in seen, (kind, step)
        assert (f'"{pages["close"]}"' in seen) == (kind != "viewer"), kind
        assert [f'href="{page}' in seen for page in operators[2:]] == [kind == "operator"], kind
        result = holders[kind].get(pages["result"]).content.decode()
        assert ("teams.csv" in result) == (kind != "viewer"), kind
        preview = holders[kind].get(proposal)
        assert ("/cancel/" in preview.content.decode()) == (kind != "viewer"), kind
    way = holders["organizer"].get(pages["way"]).content.decode()
    assert f'href="{operators[0]}"' not in way
    assert f'href="{operators[0]}"' in holders["operator"].get(pages["way"]).content.decode()
    dashboard = holders["organizer"].get(pages["dashboard"]).content.decode()
    assert operators[1] not in dashboard
