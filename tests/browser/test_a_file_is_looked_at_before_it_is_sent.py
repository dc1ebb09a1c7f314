"""The form of an upload looks at the file, takes a dropped one, and can be cancelled."""

from __future__ import annotations

import io
import pickle
import zipfile
from typing import Any

import pytest

from leaderboard.models import Competition, PartialUpload, Submission
from leaderboard.services import direct_uploads
from tests.leaderboard.bucket import Door, bucket, server

__all__ = ["bucket", "server"]

FORM = "/competitions/waste/submit/"
DROP = """([bytes, name]) => {
    const moved = new DataTransfer();
    moved.items.add(new File([new Uint8Array(bytes)], name));
    document.querySelector(".drop").dispatchEvent(
        new DragEvent("drop", {dataTransfer: moved, cancelable: true}));
}"""


def zipped(*names: str, content: bytes = b"x") -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return target.getvalue()


MODEL = zipped("m/constants.pkl", "m/data.pkl")
CHOSEN = (
    ("model.pt", MODEL, ": TorchScript, 1 kB"),
    ("model.onnx", b"\x08\x08\x12\x04test", ": ONNX, 1 kB"),
    ("weights.pt", zipped("w/data.pkl", "w/data/0"), "written by torch.save"),
    ("model.zip", zipped("readme.txt"), "no TorchScript model"),
    ("packed.zip", zipped("readme.txt", "out/model.pt"), "Unpack the zip"),
    ("stored.zip", zipped("out/model.pt", content=MODEL), "Unpack the zip"),
    ("old.pth", pickle.dumps({"weight": 1.0}), "This is a pickle"),
    ("big.onnx", b"\x08\x08\x6a\x0c\x0a\x08location\x12\x01w", "in a second file"),
    ("notes.txt", b"no model at all", "neither a TorchScript archive nor an ONNX file"),
    ("empty.pt", b"", "This file is empty"),
)
"""Name and content of a file, and what the form says of it."""


def test_a_chosen_file_is_named_or_warned_of(
    page_of: Any, team: Any, owner: Any, complaints: list[str]
) -> None:
    page = page_of(owner)
    page.goto(FORM)
    for name, content, said in CHOSEN:
        chosen = {"name": name, "mimeType": "application/x", "buffer": content}
        page.set_input_files("input[type=file]", chosen)
        page.wait_for_selector(f"#finding:has-text('{said}')")
        assert page.is_enabled("text=Upload and evaluate"), "the site decides, not the browser"
    assert not Submission.objects.exists()
    assert not complaints


def test_a_dropped_file_is_taken_and_a_format_that_is_not_taken_is_named(
    page_of: Any, team: Any, owner: Any, complaints: list[str]
) -> None:
    Competition.objects.update(formats=["torchscript"])
    page = page_of(owner)
    page.goto(FORM)
    page.evaluate(DROP, [list(b"\x08\x08\x12\x04test"), "mine.onnx"])
    page.wait_for_selector(
        "#finding:has-text('in the format ONNX. Accepted formats: TorchScript.')"
    )
    assert page.evaluate("document.querySelector('input[type=file]').files[0].name") == "mine.onnx"
    assert not complaints


def test_an_upload_goes_on_is_cancelled_and_the_form_stays(
    page_of: Any, team: Any, owner: Any, model: bytes, complaints: list[str]
) -> None:
    page = page_of(owner)
    page.route(
        "**/submit/", lambda route: route.continue_() if route.request.method == "GET" else None
    )
    parts: list[Any] = []

    def lose_the_first(route: Any) -> None:
        if route.request.method == "PATCH" and not parts:
            parts.append(route.request)
            route.abort()
        else:
            route.continue_()

    page.route("**/api/v2/uploads/*", lose_the_first)
    page.goto(FORM)
    upload = {"name": "tiny.pt", "mimeType": "application/octet-stream", "buffer": model}
    page.set_input_files("input[type=file]", upload)
    page.click("text=Upload and evaluate")
    page.wait_for_selector(
        "#upload-told:has-text('The connection was lost. The upload continues in 1 s.')"
    )
    page.wait_for_selector("#upload-told:has-text('The site is checking the file')")
    assert PartialUpload.objects.get().file_name == "tiny.pt"
    # The request is held on its way, so that it is under way for as long as this test needs.
    page.evaluate("document.querySelector('#upload-cancel').hidden = false")
    page.click("text=Cancel the upload")
    page.wait_for_selector("#refusal:has-text('The upload is cancelled')")
    assert page.is_hidden("#upload-progress")
    assert page.is_enabled("text=Upload and evaluate")
    page.context.clear_cookies()  # the session ends
    page.set_input_files("input[type=file]", upload)
    page.click("text=Upload and evaluate")
    page.wait_for_selector("#refusal:has-text('You are no longer signed in')")
    assert "next=/competitions/waste/submit/" in str(page.get_attribute("#refusal a", "href"))
    assert not Submission.objects.exists()
    # The browser writes down the lost part and the ended session, htmx that a request was aborted.
    failed = "Failed to load resource: "
    lost, ended = f"{failed}net::ERR_FAILED", f"{failed}the server responded with a status of 401"
    written = (lost, ended, "htmx:afterRequest", "htmx:sendAbort")
    assert all(one.startswith(written) for one in complaints), complaints


def test_parts_go_to_the_bucket_and_to_the_site_where_it_is_away(
    page_of: Any,
    bucket: Any,
    server: tuple[str, Door],
    team: Any,
    owner: Any,
    model: bytes,
    complaints: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(direct_uploads, "PART_BYTES", 4000)
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 1)
    _, door = server
    door.lost = 1
    door.seen.clear()
    page = page_of(owner)
    answer = page.goto(FORM)
    policy = answer.headers["content-security-policy"]
    assert f"connect-src 'self' {bucket.public_address}" in policy
    assert bucket.endpoint not in page.goto("/").headers["content-security-policy"]
    page.goto(FORM)
    upload = {"name": "tiny.pt", "mimeType": "application/octet-stream", "buffer": model}
    page.set_input_files("input[type=file]", upload)
    page.click("text=Upload and evaluate")
    page.wait_for_selector(
        "#upload-told:has-text('The connection was lost. The upload continues in 1 s.')"
    )
    page.wait_for_url("**/submissions/*/")
    assert Submission.objects.get().file.read() == model
    assert door.seen == ["PUT"] * (1 + -(-len(model) // 4000))
    assert [one for one in complaints if "503" not in one] == []

    page.route(f"{bucket.endpoint}/**", lambda route: route.abort())
    page.goto(FORM)
    page.set_input_files("input[type=file]", upload)
    page.click("text=Only try the model on the sample")
    page.wait_for_url("**/trials/*/")
    assert PartialUpload.objects.get(trial__isnull=False).multipart_id == ""
