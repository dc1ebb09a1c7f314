"""A rule that a service holds refuses a form of the panel: the form comes back as it was filled."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from leaderboard.models import Competition, Role
from tests.leaderboard.admin.test_an_organizer_runs_a_competition import filled
from tests.leaderboard.web.conftest import text


def test_a_long_text_outlives_a_wrong_date(panel: Client, competition: Competition) -> None:
    url = reverse("admin:leaderboard_competition_change", args=[competition.pk])
    written = competition.overview
    fields = filled(
        panel, url, overview="An hour of work.", freezes_at_0="2020-01-01", freezes_at_1="12:00:00"
    )
    answer = panel.post(url, fields | {"audit_why": "For the final."})
    assert answer.status_code == 409
    page = text(answer)
    assert "The freeze of the public board must be in the future." in page
    for typed in ("An hour of work.", 'value="2020-01-01"', 'value="For the final."'):
        assert typed in page
    competition.refresh_from_db()
    assert (competition.overview, competition.freezes_at) == (written, None)


def test_a_misspelt_person_is_corrected_in_place(panel: Client, competition: Competition) -> None:
    url = reverse("admin:leaderboard_role_add")
    fields = {"competition": competition.pk, "person": "nobody-here", "kind": "viewer"}
    page = text(panel.post(url, fields))
    assert 'value="nobody-here"' in page
    assert 'value="viewer" selected' in page
    assert not Role.objects.exists()
