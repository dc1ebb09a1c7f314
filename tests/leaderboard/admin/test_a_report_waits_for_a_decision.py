"""The panel's way to a dataset: upload, read the report, decide."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from leaderboard.admin import pages
from leaderboard.models import Competition, Dataset, Split, User
from leaderboard.services import staging, sweeping
from scoring.images import kinship
from tests.leaderboard.answers import Answer
from tests.leaderboard.conftest import person
from tests.leaderboard.test_a_report_comes_before_an_import import Files, pets, scene, zipped

Upload = Callable[..., Answer]


@pytest.fixture
def upload(panel: Client) -> Callable[..., Answer]:
    def send(files: Files, **fields: str) -> Answer:
        source = SimpleUploadedFile("pets.zip", zipped(files), "application/zip")
        url = reverse("admin:leaderboard_dataset_add")
        return panel.post(url, {"source": source, "name": "Pets", **fields})

    return send


def text(answer: Answer) -> str:
    return answer.content.decode()


def test_the_panel_shows_the_report_and_waits_for_a_decision(panel: Client, upload: Upload) -> None:
    files = {**pets(), "dog/wrong.png": scene(0), "cat/broken.png": b"no"}
    page = upload(files)["Location"]
    said = text(panel.get(page))
    assert "cat/broken.png" in said
    assert "cat/000.png = dog/wrong.png" in said
    assert "25. Classes: 2." in said
    assert not Dataset.objects.exists()

    answer = panel.post(page, {"name": "Pets", "skip_broken": "on"})
    assert answer.status_code == 400
    assert "leave all of them out" in text(answer)
    choices = {"name": "Pets", "skip_broken": "on", "drop_conflicts": "on"}
    looked = panel.post(page, {**choices, "look": ""})
    assert "What prevents the import" not in text(looked)
    assert not Dataset.objects.exists()

    panel.post(page, choices)
    dataset = Dataset.objects.get()
    assert sum(split.images for split in dataset.splits.all()) == 23
    assert not list(staging.root().glob("*/*"))
    assert panel.get(page)["Location"] == reverse("admin:leaderboard_dataset_add")


def test_names_are_read_again_in_another_encoding_without_a_new_upload(
    panel: Client, upload: Upload
) -> None:
    files = {name.replace("dog", "~~~~"): data for name, data in pets().items()}
    data = zipped(files).replace(b"~~~~", "개새".encode("cp949"))
    source = SimpleUploadedFile("pets.zip", data, "application/zip")
    add = reverse("admin:leaderboard_dataset_add")
    page = panel.post(add, {"source": source, "name": "Pets", "encoding": "cp437"})["Location"]
    said = text(panel.get(page))
    assert "read as cp437" in said
    assert "개새" not in said
    looked = panel.post(page, {"name": "Pets", "encoding": "cp949", "look": ""})
    assert "Class 개새" in text(looked)
    panel.post(page, {"name": "Pets", "encoding": "cp949"})
    assert Dataset.objects.get().classes == ["cat", "개새"]


def test_images_are_compared_once_however_often_the_report_is_looked_at(
    panel: Client, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = upload({**pets(), "cat/copy.bmp": scene(0, "BMP"), "cat/near.jpg": scene(2, "JPEG")})[
        "Location"
    ]
    monkeypatch.delattr(kinship, "of")
    for answer in (panel.get(page), panel.post(page, {"name": "Pets", "look": ""})):
        assert "cat/000.png = cat/copy.bmp" in text(answer)
        assert "cat/001.png = cat/near.jpg" in text(answer)
    panel.post(page, {"name": "Pets"})
    assert sum(split.images for split in Dataset.objects.get().splits.all()) == 26


def test_a_staged_upload_is_its_organizers_own_and_is_thrown_away(
    panel: Client, upload: Upload
) -> None:
    first = upload(pets())["Location"]
    other = Client()
    other.force_login(User.objects.create_superuser("another", password="-"))
    assert other.get(first)["Location"] == reverse("admin:leaderboard_dataset_add")
    plain = Client()
    plain.force_login(person("plain"))
    assert plain.get(first).status_code in (302, 403)

    second = upload(pets())["Location"]
    assert panel.get(first).status_code == 302
    assert panel.get(second).status_code == 200
    (kept,) = staging.root().glob("*/*")
    os.utime(kept, (time.time() - 2 * staging.ABANDONED_SECONDS,) * 2)
    sweeping.sweep()
    assert not list(staging.root().glob("*/*"))
    assert panel.get(second).status_code == 302
    assert not Split.objects.exists()


def test_the_report_shows_pictures_of_what_is_wrong_to_its_organizer_alone(
    panel: Client, upload: Upload
) -> None:
    files = {
        **pets(),
        "dog/wrong.png": scene(0),
        "cat/near.jpg": scene(2, "JPEG"),
        "cat/broken.png": b"no",
        **{f"dog/same-{n}.png": scene(1) for n in range(30)},
        **{f"cat/same-{n}.png": scene(1) for n in range(30)},
    }
    page = upload(files)["Location"]
    said = text(panel.get(page))
    assert 'alt="dog/wrong.png"' in said
    assert 'alt="cat/near.jpg"' in said
    assert 'alt="cat/broken.png"' not in said
    assert 2 < said.count("<img src=") <= 24
    picture = f"{page}0.jpg"
    assert picture in said
    shown = panel.get(picture)
    assert shown.content.startswith(b"\xff\xd8")
    assert "no-store" in shown["Cache-Control"]
    assert panel.get(f"{page}24.jpg").status_code == 404
    other, plain = Client(), Client()
    other.force_login(User.objects.create_superuser("another", password="-"))
    plain.force_login(person("plain"))
    assert other.get(picture).status_code == 404
    assert plain.get(picture).status_code in (302, 403)
    assert Client().get(picture).status_code == 302


def difference(page: str) -> list[str]:
    """The numbers that compare a version with the one before."""
    return re.findall(r"Added: .*? Not changed: \d+", page)


def test_a_new_version_is_told_before_the_import_and_listed_after_it(
    panel: Client, upload: Upload, competition: Competition
) -> None:
    panel.post(upload(pets())["Location"], {"name": "Pets"})
    first = Dataset.objects.get(name="Pets")
    Competition.objects.filter(pk=competition.pk).update(dataset=first)
    files = pets()
    files["dog/other.png"] = files.pop("cat/000.png")
    page = upload(files)["Location"]
    said = text(panel.get(page))
    assert f'value="{next(staging.every()).seed}"' in said  # the division is drawn once
    assert difference(said) == difference(text(panel.post(page, {"name": "Pets", "look": ""})))
    assert "Since version 1" in said
    assert "Now in another class: 1." in said
    named = text(panel.post(page, {"name": "Other pets", "look": ""}))
    assert "Since version 1" not in named

    panel.post(page, {"name": "Pets", "allow_seen": "on"})
    second = Dataset.objects.get(name="Pets", version=2)
    shown = text(panel.get(pages.change_url(second)))
    assert shown.count("Now in another class: 1.") == 1
    assert difference(shown) == difference(said)
    assert first.sha256[:16] in shown
    assert shown.count("· organizer") == 2
    assert shown.count("In use.") == 1
    again = reverse("admin:leaderboard_competition_measure_again", args=[competition.pk])
    address = f"{again}?data={second.pk}"
    assert shown.count("?data=") == 1
    assert f'href="{address}"' in shown
    assert f'<option value="{second.pk}" selected>Pets, version 2</option>' in text(
        panel.get(address)
    )
    assert panel.get(f"{again}?data=none").status_code == 200
