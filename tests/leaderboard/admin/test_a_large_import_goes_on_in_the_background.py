"""The panel reads and imports a large upload in the background: progress, cancel, restart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from leaderboard.admin import pages
from leaderboard.models import AuditEntry, Dataset, Split, User
from leaderboard.services import datasets, importing, staging, sweeping
from tests.leaderboard.answers import Answer
from tests.leaderboard.test_a_report_comes_before_an_import import Files, pets, zipped

LIST = "admin:leaderboard_dataset_changelist"


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every upload counts as large.

    No thread is started, because it would not see the transaction of the test. `importing.work`
    does its work.
    """
    monkeypatch.setattr(staging, "AT_ONCE_BYTES", 0)
    monkeypatch.setattr(importing, "start", lambda: None)
    monkeypatch.setattr(importing, "EACH", 0)
    monkeypatch.setattr("leaderboard.services.importing.connections.close_all", lambda: None)


@pytest.fixture
def upload(panel: Client) -> Callable[..., str]:
    """Sends images; the address of the page of the import."""

    def send(files: Files, **fields: str) -> str:
        source = SimpleUploadedFile("pets.zip", zipped(files), "application/zip")
        url = reverse("admin:leaderboard_dataset_add")
        answer = panel.post(url, {"source": source, "name": "Pets", **fields})
        return str(answer["Location"])

    return send


def text(answer: Answer) -> str:
    return answer.content.decode()


def polled(panel: Client, page: str) -> Answer:
    return panel.get(page, headers={"HX-Request": "true"})


def test_the_page_shows_the_progress_and_leads_to_the_dataset(
    panel: Client, upload: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = upload(pets())
    assert "begins in a moment" in text(panel.get(page))
    assert "pets.zip is running" in text(panel.get(reverse(LIST)))
    seen: list[str] = []
    put = staging.put

    def looked(staged: staging.Staged, name: str, facts: object) -> None:
        put(staged, name, facts)
        if isinstance(facts, dict) and facts.get("done") in (10, 12, 24):
            seen.append(text(polled(panel, page)))

    monkeypatch.setattr(staging, "put", looked)
    importing.work()
    assert "12 of 24 images are read" in seen[1]
    assert "50 %" in seen[1]
    assert "24 of 24 different pictures are compared" in seen[3]
    assert polled(panel, page)["HX-Redirect"] == page
    assert "24. Classes: 2." in text(panel.get(page))
    assert "is waiting for your decision" in text(panel.get(reverse(LIST)))

    seen.clear()
    choices = {"name": "Pets", "audit_why": "for the spring"}
    assert panel.post(page, {**choices, "sample": "2"}).status_code == 200  # a share of 2
    assert panel.post(page, choices)["Location"] == page
    assert not Dataset.objects.exists()
    importing.work()
    assert "10 of 24 images are written" in seen[0]
    dataset = Dataset.objects.get()
    assert "is imported" in text(panel.get(reverse(LIST)))
    assert str(dataset.pk) in polled(panel, page)["HX-Redirect"]
    assert not list(staging.root().glob("*/*"))
    entry = AuditEntry.objects.get(act="dataset_imported")
    assert (entry.why, entry.by) == ("for the spring", User.objects.get(username="organizer"))


def test_another_encoding_reads_a_large_upload_again_in_the_background(
    panel: Client, upload: Callable[..., str]
) -> None:
    page = upload({**pets(), "cat/broken.png": b"no"})
    importing.work()
    refused = panel.post(page, {"name": "Pets"})
    assert "cat/broken.png" in text(refused)
    assert refused.status_code == 400
    panel.post(page, {"name": "Pets", "encoding": "cp949", "look": ""})
    assert "begins in a moment" in text(panel.get(page))
    importing.work()
    assert "cat/broken.png" in text(panel.get(page))


def test_cancel_deletes_what_was_staged_even_while_it_is_read(
    panel: Client, upload: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = upload(pets())
    assert "everything that was read from it are deleted" in text(panel.get(f"{page}cancel/"))
    other = Client()
    other.force_login(User.objects.create_superuser("another", password="-"))
    assert other.post(f"{page}cancel/").status_code == 404
    put = staging.put

    def cancelled(staged: staging.Staged, name: str, facts: object) -> None:
        if name == "progress" and "read" in str(facts):
            panel.post(f"{page}cancel/")
        put(staged, name, facts)

    monkeypatch.setattr(staging, "put", cancelled)
    importing.work()
    assert not list(staging.root().glob("*/*"))
    assert panel.get(page)["Location"] == reverse("admin:leaderboard_dataset_add")


def test_cancel_comes_before_the_dataset_is_saved_or_too_late(
    panel: Client, upload: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = upload(pets())
    importing.work()
    panel.post(page, {"name": "Pets"})
    packed = datasets.packed

    def cancelled(*given: Any, **more: Any) -> list[Split]:
        rows = packed(*given, **more)
        panel.post(f"{page}cancel/")  # right after packing
        return rows

    with monkeypatch.context() as patched:
        patched.setattr(datasets, "packed", cancelled)
        importing.work()
    assert not Dataset.objects.exists()
    assert not list(staging.root().glob("*/*"))

    page = upload(pets())
    importing.work()
    panel.post(page, {"name": "Pets"})
    importing.work()
    answer = panel.post(f"{page}cancel/", follow=True)
    assert answer.request["PATH_INFO"] == pages.change_url(Dataset.objects.get())
    assert "Pets was imported before." in text(answer)
    assert not list(staging.root().glob("*/*"))


def test_what_lost_its_process_goes_on_with_the_next_sweep(
    panel: Client, upload: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = upload(pets())
    real = datasets.import_

    def killed(**given: object) -> Dataset:
        raise SystemExit  # the process ends

    importing.work()
    panel.post(page, {"name": "Pets"})
    monkeypatch.setattr(datasets, "import_", killed)
    with pytest.raises(SystemExit):
        importing.work()
    assert "is running" in text(panel.get(reverse(LIST)))

    monkeypatch.setattr(datasets, "import_", real)
    monkeypatch.setattr(importing, "start", importing.work)
    staged = next(staging.every())
    with importing.held(staged) as is_free:  # another process is at it
        assert is_free
        sweeping.sweep()
        assert not Dataset.objects.exists()
    sweeping.sweep()
    assert Dataset.objects.exists()


def test_what_cannot_go_on_says_so_and_offers_to_go_on(
    panel: Client, upload: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = upload({"readme.txt": b"no images"})
    importing.work()
    assert "no readable images" in text(polled(panel, page))
    assert "has stopped" in text(panel.get(reverse(LIST)))

    page = upload(pets())
    staged = next(staging.every())
    staging.put(staged, "progress", {"tries": importing.MOST_TRIES})
    importing.work()
    assert "stopped several times" in text(panel.get(page))

    def broken(*given: object, **more: object) -> None:
        raise ValueError("our fault")

    panel.post(page, {"go_on": ""})
    with monkeypatch.context() as patched:
        patched.setattr(staging, "write", broken)
        importing.work()
    assert "error of the service" in text(panel.get(page))
    panel.post(page, {"go_on": ""})
    importing.work()
    assert "24. Classes: 2." in text(panel.get(page))
