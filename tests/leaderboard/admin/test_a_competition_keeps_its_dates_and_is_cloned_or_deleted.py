"""A competition opens and is published at its time, is extended, cloned, or deleted as a draft."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leaderboard.errors import NotAllowed
from leaderboard.models import (
    AuditEntry,
    Competition,
    Dataset,
    ReferenceModel,
    Role,
    Team,
    User,
)
from leaderboard.models.rescore import FORMULA_FIELDS
from leaderboard.services import competitions, drafts, sweeping
from leaderboard.services.contest_files import schema
from tests.leaderboard.admin.test_an_organizer_runs_a_competition import change, said, text
from tests.leaderboard.answers import Answer
from tests.leaderboard.conftest import finish, report

Press = Callable[..., Answer]
PAST = timedelta(minutes=-1)


def at(competition: Competition, **dates: timedelta | None) -> None:
    """Set dates relative to now, as if an organizer had set them long ago."""
    now = timezone.now()
    moments = {name: delta and now + delta for name, delta in dates.items()}
    Competition.objects.filter(pk=competition.pk).update(**moments)
    competition.refresh_from_db()


def swept(competition: Competition) -> str:
    sweeping.sweep()
    competition.refresh_from_db()
    return competition.state


def test_a_draft_opens_at_its_time_if_nothing_is_missing(
    panel: Client, draft: Competition, press: Press, make_model: Callable[..., bytes]
) -> None:
    at(draft, opens_at=PAST)
    assert swept(draft) == "draft"
    page = text(panel.get(reverse("admin:leaderboard_competition_change", args=[draft.pk])))
    assert "Opens automatically at" in page
    assert "Upload the reference model first." in page
    upload = ContentFile(make_model(seed=3), name="reference.pt")
    press(draft, "upload_reference", upload=upload, name="Net")
    press(draft, "calibrate")
    finish(draft.evaluations.get(), report())
    at(draft, opens_at=timedelta(hours=1))
    assert swept(draft) == "draft"
    at(draft, opens_at=PAST)
    assert swept(draft) == "open"
    entry = AuditEntry.objects.first()
    assert (entry.act, entry.by_name) == ("competition_opened", "service")


def test_a_competition_is_published_at_its_time_once_all_has_ended(
    competition: Competition, team: Team, submit: Any, organizer: Any
) -> None:
    evaluation = submit(team).latest_evaluation
    at(competition, publishes_at=PAST)
    assert swept(competition) == "open", "it must be closed first"
    competitions.close(competition=competition, by=organizer)
    assert swept(competition) == "closed", "an evaluation is unfinished"
    finish(evaluation, report())
    assert swept(competition) == "published"


def test_a_reopened_competition_is_not_published_at_its_next_close(
    competition: Competition, press: Press
) -> None:
    at(competition, publishes_at=PAST)
    press(competition, "close")
    press(competition, "reopen")
    press(competition, "close")
    competition.refresh_from_db()
    assert competition.publishes_at is None
    assert swept(competition) == "closed"


def test_dates_stand_in_their_order(panel: Client, draft: Competition) -> None:
    answer = change(
        panel,
        draft,
        ends_at_0="2031-02-01",
        ends_at_1="12:00",
        publishes_at_0="2031-01-31",
        publishes_at_1="12:00",
    )
    assert "and the end before the publication" in text(answer)
    assert draft.ends_at is None
    change(
        panel,
        draft,
        opens_at_0="2031-01-31",
        opens_at_1="12:00",
        ends_at_0="2031-02-01",
        ends_at_1="12:00",
    )
    assert draft.opens_at.isoformat() == "2031-01-31T03:00:00+00:00", "noon in Seoul"


def test_an_extension_is_later_opens_again_and_offers_words(
    panel: Client, press: Press, competition: Competition, team: Team
) -> None:
    at(competition, ends_at=PAST)
    assert swept(competition) == "closed"
    refused = press(competition, "extend", ends_at="2020-01-01T12:00")
    assert refused.status_code == 409
    assert "must be later" in text(refused)
    answer = press(competition, "extend", ends_at="2031-02-01T12:00")
    competition.refresh_from_db()
    assert competition.state == "open"
    assert competition.ends_at.isoformat() == "2031-02-01T03:00:00+00:00"
    assert "This affects 1 team." in said(answer)
    assert "A+new+end+of+uploads" in said(answer)
    press(competition, "close")
    press(competition, "publish")
    assert press(competition, "extend", ends_at="2032-02-01T12:00").status_code == 409


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"max_team_size": 1},
            ["1 team is larger. It keeps its members", "Largest team: 1. Before: 5."],
        ),
        ({"min_quality": 0.9}, ["1 row of the public board is now below the gate", "Gate: 0.9."]),
        ({"rules": "Be\nkind."}, ["This affects 1 team.", "Rules: changed. Please read it again."]),
        ({"title": "Other"}, []),
    ],
)
def test_a_change_after_opening_says_whom_it_touches_and_offers_to_announce_it(
    panel: Client,
    competition: Competition,
    team: Team,
    scored: Any,
    fields: dict[str, Any],
    expected: list[str],
) -> None:
    scored(team)
    answer = change(panel, competition, **fields)
    told = [str(one) for one in answer.context["messages"] if "Announce the change" in str(one)]
    assert bool(told) == bool(expected)
    if not told:
        return
    address = told[0].split('href="')[1].split('"')[0].replace("&amp;", "&")
    form = panel.get(address).context["adminform"].form
    assert form["competition"].value() == str(competition.pk)
    drafted = parse_qs(urlsplit(address).query)["text"][0]
    assert form["text"].value() == drafted
    for words in expected:
        assert words in told[0] + drafted


def test_a_draft_says_nothing_of_announcements(panel: Client, draft: Competition) -> None:
    assert "Announce" not in said(change(panel, draft, max_team_size=2))


def test_a_clone_has_all_settings_and_no_history(
    panel: Client, press: Press, competition: Competition, team: Team
) -> None:
    at(competition, ends_at=timedelta(days=1))
    refused = press(competition, "clone", title="Again", slug="waste")
    assert refused.status_code == 409
    answer = press(competition, "clone", title="Again", slug="again")
    copy = Competition.objects.get(slug="again")
    assert answer.redirect_chain[-1][0].endswith(f"/competition/{copy.pk}/change/")
    differing = {
        name
        for name in schema.in_order(Competition)
        if getattr(copy, name) != getattr(competition, name)
    }
    assert differing == {"slug", "title", "ends_at"}
    assert (copy.state, copy.dataset) == ("draft", competition.dataset)
    assert copy.reference.sha256 == competition.reference.sha256
    assert copy.reference != competition.reference
    assert copy.calibration is None
    assert not copy.teams.exists()


def test_a_draft_is_deleted_with_its_data_and_nothing_else(
    press: Press, competition: Competition, django_capture_on_commit_callbacks: Any
) -> None:
    assert press(competition, "delete_draft").status_code == 409
    press(competition, "clone", title="Again", slug="again")
    copy = Competition.objects.get(slug="again")
    assert "Another competition uses" in text(press(copy, "delete_draft", with_dataset="on"))
    press(copy, "calibrate")
    assert press(copy, "delete_draft").status_code == 409, "a calibration is running"
    finish(copy.evaluations.get(), report())
    with django_capture_on_commit_callbacks(execute=True):
        press(copy, "delete_draft")
    assert list(Competition.objects.all()) == [competition]
    assert default_storage.exists(str(competition.reference.file)), "the original has it, too"
    entry = AuditEntry.objects.first()
    assert (entry.act, entry.before["slug"]) == ("competition_deleted", "again")


def test_the_images_of_a_draft_are_deleted_on_wish(
    press: Press, draft: Competition, owner: User, django_capture_on_commit_callbacks: Any
) -> None:
    archives = [str(split.archive) for split in draft.dataset.splits.all()]
    assert all(map(default_storage.exists, archives))
    Role.objects.create(competition=draft, user=owner, kind="owner")
    with pytest.raises(NotAllowed):  # a dataset belongs to the site
        drafts.delete(competition=draft, with_dataset=True, by=owner)
    same = {"name": draft.dataset.name, "classes": [], "created_at": timezone.now()}
    newer = Dataset.objects.create(version=2, previous=draft.dataset, sha256="e" * 64, **same)
    assert "A newer version shows" in text(press(draft, "delete_draft", with_dataset="on"))
    newer.delete()
    press(draft, "clone", title="Again", slug="again")
    copy = Competition.objects.get(slug="again")
    rules = {name: getattr(copy, name) for name in FORMULA_FIELDS if name != "quality_ref"}
    was = {f"was_{name}": value for name, value in rules.items()}
    rescore = copy.rescores.create(was_dataset=draft.dataset, was_quality_ref=0.5, **rules, **was)
    Competition.objects.filter(pk=copy.pk).update(dataset=None)
    assert "Another competition uses" in text(press(draft, "delete_draft", with_dataset="on"))
    rescore.delete()
    copy.delete()
    with django_capture_on_commit_callbacks(execute=True):
        press(draft, "delete_draft", with_dataset="on")
    assert not Dataset.objects.exists()
    assert not ReferenceModel.objects.exists()
    assert not any(map(default_storage.exists, archives))
