"""An organizer makes tracks in rows of the competition's form."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from leaderboard.models import Competition
from tests.leaderboard.admin.test_an_organizer_runs_a_competition import filled, text
from tests.leaderboard.answers import Answer

pytestmark = pytest.mark.django_db
EIGHT = {"tracks-TOTAL_FORMS": 8, "tracks-INITIAL_FORMS": 0}


def send(panel: Client, competition: Competition, *rows: dict[str, Any], **more: Any) -> Answer:
    """Send the form as a browser does: the given rows, then empty ones."""
    url = reverse("admin:leaderboard_competition_change", args=[competition.pk])
    fields = {
        f"tracks-{n}-{key}": value for n, one in enumerate(rows) for key, value in one.items()
    }
    answer = panel.post(url, filled(panel, url, **EIGHT | fields | more), follow=True)
    competition.refresh_from_db()
    return answer


def test_a_row_has_a_kind_and_gives_a_track(panel: Client, draft: Competition) -> None:
    send(
        panel,
        draft,
        {"kind": "declared"},
        {"kind": "formats", "formats": ["onnx"], "max_bytes": 5},
        {"kind": "number_types", "number_types": ["int8"], "name": "정수", "name_ko": "정수 모델"},
        {"kind": "max_parameters", "max_parameters": 1_000_000, "sentence": "Be small."},
        {"kind": "max_bytes", "max_bytes": 2_500_000},
        {"kind": "reference_network"},
        {"kind": "several", "name": "onnx", "formats": ["onnx"], "declared": "on"},
    )
    korean = [one.names.get("ko", "") for one in draft.all_tracks]
    assert draft.tracks == [
        {"slug": "students", "name": "Students", "names": {"ko": "학생"}}
        | {"sentence": "All members of the team are students.", "declared": True},
        {"slug": "onnx", "name": "ONNX", "formats": ["onnx"]},
        {"slug": "number-type", "name": "정수", "names": {"ko": "정수 모델"}}
        | {"number_types": ["int8"]},
        {"slug": "at-most-1000000-parameters", "name": "At most 1,000,000 parameters"}
        | {"names": {"ko": korean[3]}, "sentence": "Be small.", "max_parameters": 1_000_000},
        {"slug": "at-most-25-mb", "name": "At most 2.5 MB"}
        | {"names": {"ko": korean[4]}, "max_bytes": 2_500_000},
        {"slug": "network-of-the-reference", "name": "Network of the reference"}
        | {"names": {"ko": korean[5]}, "reference_network": True}
        | {"sentence": draft.all_tracks[5].sentence},
        {"slug": "onnx-2", "name": "onnx", "formats": ["onnx"], "declared": True},
    ]
    with translation.override("ko"):
        assert [one.title for one in draft.all_tracks[:3]] == ["학생", "ONNX", "정수 모델"]


def test_rows_are_renamed_and_removed_and_stay_as_they_are(
    panel: Client, draft: Competition
) -> None:
    draft.tracks = [
        {"slug": "a", "name": "A", "declared": True},
        {"slug": "b", "name": "B", "max_bytes": 10, "formats": ["onnx"]},
    ]
    draft.save()
    url = reverse("admin:leaderboard_competition_change", args=[draft.pk])
    page = text(panel.get(url))
    assert page.count('<option value="declared" selected>') == 1
    assert page.count('<option value="several" selected>') == 1
    assert "[{&quot;slug&quot;: &quot;a&quot;" not in page, "no JSON in sight"
    kept = {"slug": "b", "kind": "several", "formats": ["onnx"], "max_bytes": 10}
    two = {"tracks-INITIAL_FORMS": 2}
    send(panel, draft, {"slug": "a", "kind": "declared", "name": "A"}, kept | {"name": "B"}, **two)
    assert [one["slug"] for one in draft.tracks] == ["a", "b"]
    gone = {"slug": "a", "kind": "", "DELETE": "on"}
    send(panel, draft, gone, kept | {"name": "C"}, **two)
    assert draft.tracks == [{"slug": "b", "name": "C", "max_bytes": 10, "formats": ["onnx"]}]
    draft.state = "published"
    draft.save()
    assert "ONNX; At most 1e-05 MB" in text(panel.get(url))


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": "A"}, "Choose a kind, or remove this track."),
    ({"kind": "formats"}, "Choose at least one."),
    ({"kind": "number_types", "number_types": ["int7"]}, "int7 is not one of the available"),
    ({"kind": "max_parameters"}, "Write a number."),
    ({"kind": "max_bytes", "max_bytes": "0"}, "greater than or equal to 1"),
    ({"kind": "several", "name": "A"}, "Set at least one condition."),
    ({"kind": "several", "declared": "on"}, "Write a title."),
]


def test_an_error_stands_at_its_field(panel: Client, draft: Competition) -> None:
    page = text(send(panel, draft, *(row for row, _ in WRONG)))
    for _, said in WRONG:
        assert said in page
    assert page.count('class="track is-empty border') == 8
    assert page.count("<details open") == len(WRONG)
    rows = [{"kind": "declared", "name": f"T{n}"} for n in range(9)]
    page = text(send(panel, draft, *rows, **{"tracks-TOTAL_FORMS": 9}))
    assert "There can be at most 8 tracks." in page
    assert draft.tracks == []
