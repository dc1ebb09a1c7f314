"""Each list, form and step has content for organizers, and refuses everybody else."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leaderboard.models import (
    Announcement,
    ApiToken,
    Application,
    Ban,
    Competition,
    Dataset,
    Declaration,
    FaqEntry,
    Guest,
    HardwareProfile,
    Question,
    Rescore,
    Role,
    Submission,
    Team,
    User,
    Verification,
    Worker,
)
from leaderboard.services import rescoring, tokens, workers
from scoring.sentences import say
from tests.leaderboard.conftest import WEAK, failure, finish, report

NOUNS = [model for model in admin.site._registry if model._meta.app_label == "leaderboard"]


@pytest.fixture
def full(
    team: Team,
    rivals: Team,
    owner: User,
    organizer: User,
    scored: Callable[..., Submission],
    submit: Any,
    baseline: Any,
) -> None:
    """At least one row of every noun, in several states."""
    worker = Worker.objects.create(
        name="lab:1",
        profile=team.competition.profile,
        fingerprint={"cpu": "Test processor"},
        started_at=timezone.now(),
        seen_at=timezone.now() - timedelta(hours=3),
    )
    for ratio in (1.01, 1.05):
        workers.record(worker, time_ratio=ratio, half_width=0.01, foreign_load=0.2)
    trouble = workers.trouble_of(RuntimeError("load"))
    workers.record(worker, time_ratio=None, half_width=None, foreign_load=None, trouble=trouble)
    scored(team, seed=1, quality_public=0.8, time_ratio=0.5)
    baseline("MobileNetV3")
    finish(submit(rivals, seed=2).latest_evaluation, failure())
    submit(team, seed=3)
    tokens.issue(user=owner, name="CI")
    Role.objects.create(
        competition=team.competition, user=User.objects.get(username="organizer"), kind="viewer"
    )
    Ban.objects.create(competition=team.competition, team=rivals, reason="Copies")
    Application.objects.create(competition=team.competition, user=owner)
    Verification.objects.create(
        competition=team.competition, team=team, rank=1, wish="The code.", due_at=timezone.now()
    )
    Guest.objects.create(
        competition=team.competition,
        address="ada@uni.example",
        code="for-ada",
        expires_at=timezone.now() + timedelta(days=1),
    )
    Announcement.objects.create(competition=team.competition, title="Hello", text="All.")
    Question.objects.create(competition=team.competition, text="How many?", team=team)
    Declaration.objects.create(team=team, track="students")
    FaqEntry.objects.create(competition=team.competition, question="Where?", answer="Here.")
    proposal = Rescore(
        competition=team.competition, time_weight=1.0, k=20.0, min_quality=0.6, why="Time is dear."
    )
    rescoring.propose(rescore=proposal, by=organizer)
    Dataset.objects.update(
        skipped=[
            {"name": f"cat/{n}.txt", "code": "not_an_image", "said": [say("No.").to_json()]}
            for n in range(9)
        ]
    )


def addresses() -> list[str]:
    """Every page of the panel, with rows where it needs them."""
    found = [reverse("admin:index")]
    for model in NOUNS:
        name = f"admin:leaderboard_{model._meta.model_name}"
        found.append(reverse(f"{name}_changelist"))
        found += [reverse(f"{name}_change", args=[row.pk]) for row in model._default_manager.all()]
        options: Any = admin.site._registry[model]
        for step in options._extract_action_names(options.actions_detail):
            found.append(reverse(f"{name}_{step}", args=[model._default_manager.first().pk]))
    return found


def test_all_nouns_but_the_hidden_ones_are_there() -> None:
    assert {model.__name__ for model in NOUNS} == {
        "Announcement",
        "ApiToken",
        "Application",
        "AuditEntry",
        "Ban",
        "Baseline",
        "Canary",
        "Competition",
        "Dataset",
        "Declaration",
        "Evaluation",
        "Guest",
        "FaqEntry",
        "HardwareProfile",
        "Question",
        "Rescore",
        "Role",
        "Submission",
        "Team",
        "User",
        "Verification",
        "Worker",
    }
    assert {model.__name__ for model in admin.site._registry} == {one.__name__ for one in NOUNS}


@pytest.mark.usefixtures("full")
def test_organizers_see_every_page(panel: Client) -> None:
    for address in addresses():
        assert panel.get(address, follow=True).status_code == 200, address
    for model in ("competition", "dataset", "hardwareprofile", "user"):
        assert panel.get(reverse(f"admin:leaderboard_{model}_add")).status_code == 200


def test_each_step_of_an_empty_draft_has_a_page(panel: Client, draft: Competition) -> None:
    draft.dataset = None
    draft.save()
    options: Any = admin.site._registry[Competition]
    for step in options._extract_action_names(options.actions_detail):
        address = reverse(f"admin:leaderboard_competition_{step}", args=[draft.pk])
        assert panel.get(address, follow=True).status_code == 200, address


@pytest.mark.usefixtures("full")
def test_no_page_shows_a_value_of_python(panel: Client) -> None:
    for address in addresses():
        page = panel.get(address).content.decode()
        tuple_of_texts = r"\(&#x27;\w+&#x27;, &#x27;"  # a key beside its label
        assert not re.search(tuple_of_texts, page), address
        assert ", gpu None" not in page, address


@pytest.mark.usefixtures("full")
def test_participants_and_visitors_see_none(owner: User, client: Client) -> None:
    for address in addresses():
        answer = client.get(address)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/admin/login/")
    login = client.get("/admin/login/?next=/admin/")
    assert login.status_code == 302
    assert login["Location"].startswith("/accounts/login/")
    client.force_login(owner)
    for address in addresses():
        assert client.get(address, follow=True).status_code == 403, address
        assert client.post(address, follow=True).status_code == 403, address


@pytest.mark.usefixtures("full")
def test_staff_without_rights_decide_nothing(owner: User, client: Client, team: Team) -> None:
    owner.is_staff = True
    owner.save()
    client.force_login(owner)
    close = reverse("admin:leaderboard_competition_close", args=[team.competition_id])
    assert client.post(close)["Location"].startswith("/admin/login/")
    team.competition.refresh_from_db()
    assert team.competition.state == "open"


@pytest.mark.usefixtures("full")
def test_history_is_neither_added_nor_changed_nor_deleted(panel: Client) -> None:
    for name in ("submission", "evaluation", "worker", "canary", "apitoken", "auditentry"):
        assert panel.get(reverse(f"admin:leaderboard_{name}_add")).status_code == 403
    for model in NOUNS:
        row = model._default_manager.first()
        name = f"admin:leaderboard_{model._meta.model_name}"
        assert panel.post(reverse(f"{name}_delete", args=[row.pk])).status_code == 403
        actions = {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
        panel.post(reverse(f"{name}_changelist"), actions)
        assert model._default_manager.filter(pk=row.pk).exists()
    submission = Submission.objects.first()
    change = reverse("admin:leaderboard_submission_change", args=[submission.pk])
    assert panel.post(change, {"note": "changed"}).status_code == 403


@pytest.mark.usefixtures("full")
def test_no_page_links_a_hidden_file(panel: Client) -> None:
    for address in addresses():
        page = panel.get(address).content.decode()
        assert ".zip" not in page.replace("Zip of images", ""), address
        assert "datasets/" not in page, address


def test_the_first_page_says_what_needs_attention(panel: Client, full: None, settings: Any) -> None:
    page = panel.get(reverse("admin:index")).content.decode()
    assert "Mail is not set up" in page
    assert "Queued for One core: 1. No worker of this profile was seen" in page
    assert (
        "Waste sorting would give a rank to a model that does nothing. Set a gate above 0.167"
        in page
    )
    assert "1 application for Waste sorting waits for a decision" in page
    assert "A rescore of Waste sorting is waiting for a decision" in page
    settings.EMAIL_URL = "smtp://mail.example.org"
    assert "Mail is not set up" not in panel.get(reverse("admin:index")).content.decode()


def test_weak_isolation_is_marked_wherever_an_organizer_looks(
    panel: Client, team: Team, submit: Callable[..., Submission]
) -> None:
    submission = submit(team)
    finish(submission.latest_evaluation, replace(report(), isolation=WEAK))
    index = panel.get(reverse("admin:index")).content.decode()
    assert "Evaluations in weak isolation in the last 7 days: 1." in index
    found = re.search(r'href="([^"]*isolation=weak[^"]*)"', index)
    assert found
    chosen = found[1].replace("&amp;", "&")
    row = reverse("admin:leaderboard_evaluation_change", args=[submission.latest_evaluation.pk])
    assert row in panel.get(chosen).content.decode()
    others = chosen.replace("=weak", "=complete")
    assert row not in panel.get(others).content.decode()
    rows = panel.get(reverse("admin:leaderboard_evaluation_changelist")).content.decode()
    assert re.search(r">\s*weak\s*<", rows)
    address = reverse("admin:leaderboard_evaluation_change", args=[submission.latest_evaluation.pk])
    assert "Isolation, WEAK" in panel.get(address).content.decode()


def test_whole_isolation_is_not_called_weak(
    panel: Client, team: Team, scored: Callable[..., Submission]
) -> None:
    scored(team)
    assert "weak" not in panel.get(reverse("admin:index")).content.decode()
    rows = panel.get(reverse("admin:leaderboard_evaluation_changelist")).content.decode()
    assert re.search(r">\s*complete\s*<", rows)


@pytest.mark.usefixtures("full")
def test_times_stand_in_a_zone_that_each_page_names(panel: Client) -> None:
    log = reverse("admin:leaderboard_auditentry_changelist")
    assert "Times on this page: UTC" in panel.get(log).content.decode()
    User.objects.update(time_zone="Europe/Berlin")
    assert "Times on this page: Europe/Berlin" in panel.get(log).content.decode()
    competition = Competition.objects.get()
    extend = reverse("admin:leaderboard_competition_extend", args=[competition.pk])
    for address in (extend, reverse("admin:leaderboard_competition_change", args=[competition.pk])):
        named = f"Times on this page: {competition.time_zone}"
        assert named in panel.get(address).content.decode()


def test_an_empty_site_says_how_the_first_competition_is_made(panel: Client) -> None:
    def leads_to(noun: str) -> bool:
        page = panel.get(reverse("admin:index")).content.decode()
        return "no competition yet" in page and reverse(f"admin:leaderboard_{noun}_add") in page

    assert leads_to("hardwareprofile")
    HardwareProfile.objects.create(slug="lab", name="Lab")
    assert leads_to("dataset")
    made = Dataset.objects.create(
        name="Waste", classes=["a", "b"], sha256="0" * 64, created_at=timezone.now()
    )
    assert leads_to("competition")
    step = reverse("admin:leaderboard_dataset_new_competition", args=[made.pk])
    form = panel.get(step, follow=True).content.decode()
    assert f'<option value="{made.pk}" selected>' in form
    assert "Save and add another" not in form


@pytest.mark.usefixtures("full")
def test_a_token_is_revoked_after_a_question(press: Callable[..., Any]) -> None:
    press(ApiToken.objects.get(), "revoke")
    assert not ApiToken.objects.exists()
