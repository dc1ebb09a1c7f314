"""The front of docs/front by Debian's nginx, before gunicorn as docker-compose.yml starts it."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.management import call_command

from benchmarks import front
from benchmarks.scale import world
from leaderboard.models import Membership, Team, User
from leaderboard.services import tokens
from tests.end_to_end.conftest import database_url

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed"),
    pytest.mark.skipif("sqlite" in os.environ["DATABASE_URL"], reason="the front needs PostgreSQL"),
]
SUBMIT = "/api/v2/competitions/scale/submissions"
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Site(front.Site):
    key: str
    """An API token of a team's member."""


@pytest.fixture(scope="module")
def site(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """An open competition with one team, behind the front."""
    folder = tmp_path_factory.mktemp("front")
    with django_db_blocker.unblock():
        competition = world.make_competition()
        member = User.objects.create_user("member")
        team = Team.objects.create(competition=competition, name="Sorters")
        Membership.objects.create(team=team, user=member, competition=competition)
        _, key = tokens.issue(user=member, name="test")
        environment = os.environ | {"DATABASE_URL": database_url(), "TMPDIR": str(folder)}
        with front.running(folder, environment) as running:
            yield Site(**vars(running), key=key)
        call_command("flush", interactive=False, verbosity=0)


def answer_to(
    address: str,
    path: str,
    *,
    announced: int | None,
    sent: int = 0,
    token: str = "",
    host: str = "localhost",
    content_type: str = "multipart/form-data; boundary=x",
) -> bytes:
    """The answer to a request whose body has begun, or has not even begun.

    Without an announced size the body comes in chunks.
    """
    to, port = address.removeprefix("http://").split(":")
    size = "Transfer-Encoding: chunked" if announced is None else f"Content-Length: {announced}"
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", size, f"Content-Type: {content_type}"]
    lines += [f"Authorization: Token {token}"] if token else []
    body = b"x" * sent
    if announced is None:
        body = b"%x\r\n%b\r\n" % (sent, body) if sent else b""
    with socket.create_connection((to, int(port)), timeout=10) as one:
        one.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return one.recv(65536)


def test_slow_clients_keep_nobody_waiting(site: Site) -> None:
    with front.slow_clients(site.front, "/", 200):
        took = front.read(site.front + "/", seconds=2, readers=20)
    assert len(took) >= 20
    assert all(one < float("inf") for one in took)


def test_no_body_is_taken_that_is_not_welcome(site: Site) -> None:
    """The answer comes while the body is still on its way, so even the front has not stored it.

    A client that sends megabytes before it reads gets the answer, too.
    """
    for path, announced, token, expected in (
        (SUBMIT, 5 * MEGABYTE, "", b"401 not_authenticated"),
        (SUBMIT, 5 * MEGABYTE, "fw_unknown", b"401 unknown_token"),
        (SUBMIT, 600 * MEGABYTE, site.key, b"413 too_large"),
        (SUBMIT, 5000 * MEGABYTE, site.key, b"413 too_large"),
        ("/competitions/scale/submit/", 5 * MEGABYTE, "", b"413"),
        ("/admin/leaderboard/dataset/add/", 5 * MEGABYTE, "", b"413"),
        ("/api/v2/teams/join", 5 * MEGABYTE, site.key, b"413 too_large"),
        ("/accounts/login/", 5 * MEGABYTE, "", b"413"),
    ):
        for sent in (0, MEGABYTE, min(announced, 20 * MEGABYTE)):
            got = answer_to(site.front, path, announced=announced, sent=sent, token=token)
            status, _, code = expected.partition(b" ")
            assert got.startswith(b"HTTP/1.1 " + status), (path, got)
            assert code in got
    assert not spooled(site)


@pytest.mark.parametrize(
    "path",
    [
        SUBMIT,
        "/competitions/scale/submit/",
        "/competitions/nowhere/submit/",
        "/admin/login/",
        "/admin/leaderboard/dataset/add/",
        "/admin/nothing/here/",
    ],
)
def test_no_body_is_taken_whose_size_is_not_announced(site: Site, path: str) -> None:
    for token in ("", site.key):
        for sent in (0, 100_000, 20 * MEGABYTE):
            got = answer_to(site.front, path, announced=None, sent=sent, token=token)
            assert got.startswith(b"HTTP/1.1 411 "), (path, got)
            assert b"length_required" in got
    assert not spooled(site)


def test_a_members_file_arrives_with_its_size_announced(site: Site) -> None:
    headers = {"Authorization": f"Token {site.key}"}
    form = httpx.Request("POST", site.front, files={"file": ("m.pt", bytes(2 * MEGABYTE))})
    body = form.read()
    headers["Content-Type"] = form.headers["Content-Type"]
    for content, expected in (
        (body, (400, "not_a_zip")),
        (iter([body[:1000], body[1000:]]), (411, "length_required")),
    ):
        got = httpx.post(site.front + SUBMIT, content=content, headers=headers, timeout=60)
        assert (got.status_code, got.json()["code"]) == expected


def test_a_file_arrives_in_parts_and_a_lost_one_costs_itself_alone(site: Site) -> None:
    tus = {"Authorization": f"Token {site.key}", "Tus-Resumable": "1.0.0"}
    part = {**tus, "Content-Type": "application/offset+octet-stream"}
    uploads = "/api/v2/competitions/scale/uploads"
    size = {"Upload-Length": str(4 * MEGABYTE)}
    with httpx.Client(base_url=site.front, timeout=60) as client:
        begun = client.post(uploads, headers=tus | size)
        assert begun.status_code == 201, begun.text
        address = begun.headers["Location"]
        for start, count, status in ((0, 2, 204), (3, 1, 409), (2, 3, 413), (2, 1, 204)):
            headers = part | {"Upload-Offset": str(start * MEGABYTE)}
            got = client.patch(address, content=bytes(count * MEGABYTE), headers=headers)
            assert got.status_code == status, (start, got.text)
        chunks = iter([bytes(1000)])
        headers = part | {"Upload-Offset": str(3 * MEGABYTE)}
        got = client.patch(address, content=chunks, headers=headers)
        assert (got.status_code, got.json()["code"]) == (411, "length_required")
        assert client.head(address, headers=tus).headers["Upload-Offset"] == str(3 * MEGABYTE)
        assert client.post(f"{address}/submission", headers=tus).status_code == 409
        assert client.delete(address, headers=tus).status_code == 204


def test_a_refusal_is_the_sites_own_whoever_makes_it(site: Site) -> None:
    """Also a refusal that comes before the middleware or before Django."""
    form = "application/x-www-form-urlencoded"
    for path, how, expected in (
        (f"{SUBMIT}?a=%00", {}, b"400 malformed_request"),
        (SUBMIT, {"content_type": f"{form}; charset=utf-16"}, b"415 unsupported_media_type"),
        ("/competitions/scale/submit/?a=%00", {}, b"400 The request cannot be read"),
        ("/admin/login/", {"content_type": f"{form}; charset=hex"}, b"415 "),
        ("/admin/login/", {"host": "elsewhere.example"}, b"400 "),
    ):
        got = answer_to(site.front, path, announced=1000, sent=1000, token=site.key, **how)
        status, _, said = expected.partition(b" ")
        assert got.startswith(b"HTTP/1.1 " + status), (path, got)
        assert said in got


def spooled(site: Site) -> list[Path]:
    """Bodies on their way that the front has stored."""
    return [path for path in site.spool.rglob("*") if path.is_file()]


def test_pages_are_compressed_and_a_question_is_no_way_in(site: Site) -> None:
    page = httpx.get(site.front + "/accounts/login/", headers={"X-Unsent-Body": "1"})
    assert page.status_code == 200
    assert page.headers["Content-Encoding"] == "gzip"


def test_codes_of_invitations_stay_out_of_the_log(site: Site) -> None:
    for address in (
        "/invitations/the-code-of-it/",
        "/%69nvitations/the-code-of-it/?next=the-code-of-it",
        "//invitations/the-code-of-it",
        "/accounts/login/?next=/invitations/the-code-of-it/",
        "/competitions/?after=%2Finvitations%2Fthe-code-of-it",
    ):
        httpx.get(site.front + address, headers={"Referer": f"{site.front}{address}"})
    said = site.log.read_text()
    assert "the-code-of-it" not in said
    assert said.count('"GET /invitations/-"') == 3


def test_without_the_site_it_says_so_also_over_tls(tmp_path: Path) -> None:
    ports = {name: front.free_port() for name in ("front", "tls", "web", "uploads")}
    pair = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "certificate.pem")]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    subprocess.run([*make, *pair], check=True, capture_output=True)
    tls = (front.ROOT / "docs/front/tls.conf").read_text()
    for theirs, ours in (
        ("listen 8443", f"listen 127.0.0.1:{ports['tls']}"),
        ("/run/secrets/certificate_key", str(tmp_path / "key.pem")),
        ("/run/secrets/certificate", str(tmp_path / "certificate.pem")),
        ("/etc/nginx/", f"{front.ROOT}/docs/front/"),
    ):
        tls = tls.replace(theirs, ours)
    (tmp_path / "tls.conf").write_text(tls)
    nginx = ["nginx", "-c", str(front.configured(tmp_path, ports)), "-g", "daemon off;"]
    context = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
    with front.started(nginx, dict(os.environ), tmp_path / "nginx"):
        front.wait_until_it_listens(ports["tls"])
        for address in (f"https://localhost:{ports['tls']}", f"http://localhost:{ports['front']}"):
            for path in ("/", SUBMIT):
                got = httpx.get(address + path, verify=context)
                assert (got.status_code, got.json()["code"]) == (503, "site_away")
                assert got.headers["Retry-After"]
