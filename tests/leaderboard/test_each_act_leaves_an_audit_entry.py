"""Who did what, on what, from, to, and why, by each door, in the transaction of the act."""

from __future__ import annotations

import ast
import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leaderboard.admin import audit_words, pages, words
from leaderboard.models import (
    Announcement,
    AuditEntry,
    Competition,
    Evaluation,
    HardwareProfile,
    Submission,
    Team,
    User,
)
from leaderboard.services import (
    audit,
    competitions,
    devices,
    placing,
    selections,
    submissions,
    sweeping,
    teams,
    tokens,
    webhooks,
)
from tests.leaderboard.admin.conftest import panel, press
from tests.leaderboard.api.conftest import API, client_of
from tests.leaderboard.conftest import images, person

__all__ = ["panel", "press"]
pytestmark = pytest.mark.django_db


def log() -> list[tuple[str, str, str]]:
    """What was written: act, who, and of what; the oldest first."""
    rows = AuditEntry.objects.order_by("pk")
    return list(rows.values_list("act", "by_name", "subject_type"))


@pytest.fixture
def forget(team: Team) -> Callable[[], None]:
    """Empty the log, so that it holds only what the test does."""

    def forget() -> None:
        AuditEntry.objects.all().delete()

    forget()
    return forget


@pytest.fixture(autouse=True)
def every_value_has_a_name(db: None) -> Iterator[None]:
    """The panel names each value of the log in the reader's language."""
    yield
    for entry in AuditEntry.objects.all():
        model = audit_words.model_of(entry.subject_type)
        named = {*words.FIELDS.get(model, {}), *audit_words.OTHERS} if model else set()
        assert named.issuperset({*entry.before, *entry.after}), entry


def test_buttons_of_the_panel(
    forget: Any,
    press: Callable[..., Any],
    team: Team,
    scored: Callable[..., Submission],
    submit: Any,
) -> None:
    competition, submission = team.competition, scored(team, seed=1)
    waiting = submit(team, seed=2).latest_evaluation
    forget()
    steps = [
        (submission, "disqualify", {"reason": "Trained on the hidden images."}),
        (submission, "reinstate", {"reason": "It was another team."}),
        (waiting, "cancel", {}),
        (submission, "evaluate_again", {}),
        (competition, "pause", {"message": "New disks"}),
        (competition, "resume", {}),
        (competition, "close", {"audit_why": "As announced"}),
        (competition, "reopen", {}),
        (competition, "close", {}),
    ]
    for row, step, fields in steps:
        press(row, step, **fields)
    Evaluation.objects.unfinished().delete()
    press(competition, "publish")
    told = [(entry.act, entry.by_name, entry.why) for entry in AuditEntry.objects.order_by("pk")]
    assert told == [
        ("submission_disqualified", "organizer", "Trained on the hidden images."),
        ("submission_reinstated", "organizer", "It was another team."),
        ("evaluation_cancelled", "organizer", ""),
        ("evaluation_requested", "organizer", ""),
        ("competition_paused", "organizer", "New disks"),
        ("competition_opened", "organizer", ""),
        ("competition_closed", "organizer", "As announced"),
        ("competition_opened", "organizer", ""),
        ("competition_closed", "organizer", ""),
        ("publication_begun", "organizer", ""),
        ("competition_published", "service", ""),
    ]
    paused = AuditEntry.objects.get(act="competition_paused")
    assert (paused.before, paused.after) == ({"state": "open"}, {"state": "paused"})
    assert set(AuditEntry.objects.values_list("competition", flat=True)) == {competition.pk}


def test_forms_of_the_panel_write_from_and_to(
    forget: Any, panel: Client, press: Any, team: Team, organizer: User, owner: User
) -> None:
    def save(row: Any, **fields: Any) -> None:
        page = reverse(f"admin:leaderboard_{row._meta.model_name}_change", args=[row.pk])
        shown = panel.get(page).context["adminform"].form
        values = {shown.add_prefix(name): shown[name].value() for name in shown.fields}
        given = {shown.add_prefix(name): value for name, value in fields.items()}
        sent = {k: v for k, v in {**values, **given}.items() if v is not None and v is not False}
        for inline in panel.get(page).context["inline_admin_formsets"]:
            sent |= {f"{inline.formset.prefix}-{one}_FORMS": 0 for one in ("TOTAL", "INITIAL")}
        assert panel.post(page, sent | {"audit_why": "Asked for"}).status_code == 302

    announcement = Announcement.objects.create(
        competition=team.competition, title="Hello", text="All."
    )
    press(team, "rename", name="Sorters of waste", reason="Asked for")
    save(announcement, title="Hello again")
    save(team.competition.profile, name="Two cores")
    save(owner, is_active=False)
    told = [(one.act, one.subject, one.before, one.after) for one in AuditEntry.objects.all()[::-1]]
    assert told == [
        ("team_renamed", "Sorters of waste", {"name": "Sorters"}, {"name": "Sorters of waste"}),
        ("announcement_edited", "Hello again", {"title": "Hello"}, {"title": "Hello again"}),
        ("profile_saved", "Two cores", {"name": "One core"}, {"name": "Two cores"}),
        ("person_saved", "owner", {"is_active": True}, {"is_active": False}),
    ]
    assert set(AuditEntry.objects.values_list("by_name", "why")) == {("organizer", "Asked for")}
    forget()
    competition = Competition.objects.get()
    competition.tagline, competition.submissions_per_day = "Sort it", 9
    competitions.edit(competition=competition, by=organizer)
    edited = AuditEntry.objects.get()
    assert edited.before == {"tagline": "", "submissions_per_day": 5}
    assert edited.after == {"tagline": "Sort it", "submissions_per_day": 9}


def test_members_by_the_api(forget: Any, team: Team, owner: User, teammate: User) -> None:
    captain, other, new = client_of(owner), client_of(teammate), client_of(person("new"))
    forget()  # the tokens
    address = f"{API}/teams/{team.pk}"
    captain.patch(address, {"name": "Others"}, format="json")
    captain.put(f"{address}/captain", {"username": "teammate"}, format="json")
    other.delete(f"{address}/members/owner")
    other.post(f"{address}/leave")
    new.post(f"{API}/competitions/waste/teams", {"name": "New"}, format="json")
    assert log() == [
        ("team_renamed", "owner", "team"),
        ("captain_changed", "owner", "team"),
        ("member_removed", "teammate", "team"),
        ("member_left", "teammate", "team"),
        ("team_made", "new", "team"),
        ("member_joined", "new", "team"),
    ]


def test_what_members_and_their_commands_do(
    forget: Any, team: Team, owner: User, scored: Callable[..., Submission]
) -> None:
    submission, new = scored(team, seed=1), person("new")
    Competition.objects.update(max_team_size=5)
    team.refresh_from_db()
    forget()
    for numbers in ([submission.pk], [submission.pk], []):
        selections.choose(team=team, submission_ids=numbers, by=owner)
    first, second = (teams.invite(team=team, by=owner) for _ in range(2))
    teams.revoke_invitation(team=team, invitation_pk=first.pk, by=owner)
    teams.accept(code=second.code, by=new)
    hook = webhooks.add(team=team, url="https://h.example/s3cret", events=["scored"], by=owner)
    webhooks.resume(webhook=hook, by=owner)
    webhooks.remove(webhook=hook, by=owner)
    token, secret = tokens.issue(user=owner, name="CI")
    tokens.revoke(user=owner, token_key=token.token_key, by=owner)
    codes = []
    for decide in (devices.confirm, devices.refuse):
        codes.append(devices.begin(name="laptop", scope="read").device.code)
        decide(code=codes[-1], by=owner)
    assert log() == [
        ("selections_chosen", "owner", "team"),
        ("selections_chosen", "owner", "team"),  # the same once more is no act
        ("invitation_made", "owner", "team"),
        ("invitation_made", "owner", "team"),
        ("invitation_revoked", "owner", "team"),
        ("invitation_used", "new", "team"),
        ("member_joined", "new", "team"),
        ("webhook_added", "owner", "team"),
        ("webhook_resumed", "owner", "team"),
        ("webhook_removed", "owner", "team"),
        ("token_issued", "owner", "user"),
        ("token_revoked", "owner", "user"),
        ("device_confirmed", "owner", "user"),
        ("device_refused", "owner", "user"),
    ]
    chosen = AuditEntry.objects.filter(act="selections_chosen").last()
    assert chosen
    assert (chosen.before, chosen.after) == ({"submissions": []}, {"submissions": [submission.pk]})
    stored = json.dumps(list(AuditEntry.objects.values("before", "after", "subject", "why")))
    for hidden in ("s3cret", hook.secret, secret, token.token_key, second.code, *codes):
        assert hidden not in stored


def acts_of(module: Path) -> set[str]:
    """The members of `Act` that a module names."""
    nodes = [
        one for one in ast.walk(ast.parse(module.read_text())) if isinstance(one, ast.Attribute)
    ]
    return {one.attr for one in nodes if ast.unparse(one.value) in ("Act", "audit.Act")}


def test_every_act_has_a_service_that_writes_it() -> None:
    services = Path(audit.__file__).parent
    written = set().union(*(acts_of(one) for one in services.rglob("*.py")))
    assert set(audit.Act.names) == written


def test_what_the_service_and_the_console_do(
    forget: Any, competition: Competition, tmp_path: Any, dataset: Any
) -> None:
    Competition.objects.update(ends_at=timezone.now() - timedelta(minutes=1))
    sweeping.sweep()
    sweeping.sweep()
    source = tmp_path / "more.zip"
    source.write_bytes(images(per_class=5))
    call_command(
        *("import_dataset", str(source), "--shares", "0.6/0.2/0.2", "--allow-seen"),
        *("--near", "apart"),
    )
    assert log() == [
        ("competition_closed", "service", "competition"),
        ("dataset_imported", "console", "dataset"),
    ]


def test_an_act_that_fails_leaves_nothing(
    forget: Any, scored: Any, team: Team, organizer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = scored(team)
    forget()

    def breaks(*teams: Team) -> None:
        raise RuntimeError

    monkeypatch.setattr(placing, "place", breaks)
    with pytest.raises(RuntimeError):
        submissions.disqualify(submission=submission, reason="No", by=organizer)
    assert not AuditEntry.objects.exists()


def test_no_secret_comes_into_it(
    forget: Any, panel: Client, press: Callable[..., Any], team: Team, owner: User
) -> None:
    token, secret = tokens.issue(user=owner, name="CI")
    forget()
    press(token, "revoke")
    page = reverse("admin:auth_user_password_change", args=[owner.pk])
    fields = {"password1": "another-passphrase", "password2": "another-passphrase"}
    panel.post(page, fields | {"usable_password": "true"})
    assert log() == [("token_revoked", "organizer", "user"), ("password_set", "organizer", "user")]
    stored = json.dumps(list(AuditEntry.objects.values("before", "after", "subject", "why")))
    for hidden in (secret, token.token_key, "another-passphrase"):
        assert hidden not in stored
    with pytest.raises(ValueError, match="secret"):
        audit.record(audit.Act.PERSON_SAVED, owner, by=owner, after={"password": "x"})


def test_the_panel_filters_and_exports_it(
    panel: Client, team: Team, profile: HardwareProfile
) -> None:
    first = AuditEntry.objects.filter(act="member_joined").first()
    assert first
    AuditEntry.objects.filter(pk=first.pk).update(why="=1+1")
    url = reverse("admin:leaderboard_auditentry_changelist")
    answer = panel.get(url, {"act__exact": "member_joined"})
    assert answer.context["cl"].result_count == 2
    page = answer.content.decode()
    assert "owner" in panel.get(url, {"q": "Sorters"}).content.decode()
    AuditEntry.objects.filter(pk=first.pk).update(subject="Two Words")
    answer = panel.get(url, {"q": "Two Words"})
    assert answer.context["cl"].result_count == 1, "the search reads a name as a whole"
    assert "export.csv?act__exact=member_joined" in page
    export = reverse("admin:leaderboard_auditentry_export", args=["csv"])
    answer = panel.get(export, {"act__exact": "member_joined"})
    text = b"".join(answer).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["who"] for row in rows] == ["teammate", "owner"]
    assert rows[0]["why"] == "'=1+1"
    export = reverse("admin:leaderboard_auditentry_export", args=["json"])
    answer = panel.get(export, {"person": "organizer"})
    found = json.loads(b"".join(answer))
    assert {row["who"] for row in found} == {"organizer"}
    assert found[0]["competition"] == "waste"
    assert panel.get(export, {"person": "nobody"}).status_code == 200


def test_it_is_told_in_the_readers_language(panel: Client, competition: Competition) -> None:
    was = {"state": "draft", "ends_at": "2026-11-30T12:00:00+00:00", "is_pinned": False, "id": None}
    now = {"state": "open", "ends_at": None, "is_pinned": True, "text": "word " * 40}
    audit.record(audit.Act.COMPETITION_EDITED, competition, by="console", before=was, after=now)
    entry = AuditEntry.objects.latest("pk")
    list_ = panel.get(reverse("admin:leaderboard_auditentry_changelist"))
    page = panel.get(pages.change_url(entry), headers={"accept-language": "ko"})
    for answer, words_ in (
        (list_, ("Draft → Open", "30 Nov 2026", "2 more", "pinned")),
        (page, ("초안 → 진행 중", "2026년 11월 30일", "고정", "아니요 → 예")),
    ):
        text = answer.content.decode()
        assert "ends_at" not in text
        assert "2026-11-30T" not in text
        assert text.count("word " * 40) == 1
        for word in words_:
            assert word in text, word
