"""Every address gets requests that no honest client sends, as the server hands them to Django.

Nobody gets a 5xx for what they sent. If our database or disk is gone, everybody gets a code, and
the time after which to try again.
"""

from __future__ import annotations

import errno
import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from django.contrib.admindocs.views import simplify_regex
from django.core import signals
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.db import OperationalError, close_old_connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from leaderboard.models import Membership, Submission, Team, User
from leaderboard.services import files, teams, tokens
from leaderboard.throttling import WriteThrottle
from leaderboard.wsgi import application
from tests import sweep

pytestmark = pytest.mark.django_db
Answer = tuple[int, dict[str, str], bytes]
SECRET = "a" * 32  # of the form, in cookie and header
SHARE = 1 if sweep.IS_WHOLE else 5
"""One in so many of the inputs goes to an address."""

BAD_SEGMENTS = [
    "%00",
    "%ff%fe",
    "%ed%a0%80",
    "9" * 5000,
    "9" * 25,
    "a" * 3000,
    "%F0%9F%98%80",
    "%2e%2e%2f",
]
BAD_QUERIES = [
    "q=%00",
    "page=%ff&limit=%ff&offset=%ff&wait=nan&format=%ff&next=%ff&q=%ff&o=x.y&competition=%ed%a0%80",
    "&".join(f"{name}={'9' * 5000}" for name in ("page", "limit", "offset", "wait", "p", "o")),
    f"rank={'9' * 5000}",
    "page=-1&limit=-1&offset=1e400&wait=inf&e=1&_popup=1&state__exact=\u0661&competition=a%20b",
]
BAD_HEADERS: list[dict[str, str]] = [
    {"CONTENT_TYPE": f"application/x-www-form-urlencoded; charset={name}"}
    for name in ("punycode", "hex", "idna", "undefined", "utf-16", "\0", "x" * 3000, '"rot13"')
] + [
    {"CONTENT_TYPE": "text/plain; charset*=nonsense''x"},
    {"CONTENT_TYPE": "a;" * 3000},
    {
        "HTTP_ACCEPT": ";;q=x, \xff/*, text/html; q=1e999",
        "HTTP_RANGE": f"bytes={'9' * 5000}-x",
        "HTTP_IDEMPOTENCY_KEY": "\xff" * 500,
        "HTTP_AUTHORIZATION": "Token \xff\xfe",
        "HTTP_IF_MODIFIED_SINCE": "\xff",
        "HTTP_IF_NONE_MATCH": '"\xff',
        "HTTP_X_FORWARDED_FOR": "\xff, 1.2.3",
        "HTTP_REFERER": "http://[",
        "HTTP_ORIGIN": "http://[",
        "HTTP_HX_REQUEST": "true",
        "HTTP_HX_CURRENT_URL": "http://[\xff",
    },
    {"HTTP_X_UNSENT_BODY": "9" * 5000},
    {"HTTP_X_UNSENT_BODY": "\xff"},
    {"HTTP_COOKIE": r'sessionid="\000aaaaaaaaaaaaaaaa"; messages=\xff; csrftoken="\000"'},
    {"HTTP_COOKIE": "sessionid=\xff\xfeaaaaaaaaaaaaaaaaa; messages=[[; csrftoken=%00"},
]
JSON, FORM, PARTS = "application/json", "application/x-www-form-urlencoded", "multipart/form-data"
HUGE = "9" * 6000
BAD_BODIES = [
    (JSON, b"[" * 50_000),
    (JSON, b'{"name":' * 50_000),
    (JSON, rb'{"name": "\ud800", "code": "\ud800", "submissions": ["\ud800"]}'),
    (JSON, rb'{"name": "\u0000", "code": "\u0000", "submissions": [1e999]}'),
    (JSON, f'{{"name": {HUGE}, "code": {HUGE}, "submissions": [{HUGE}]}}'.encode()),
    (JSON, b'{"name": [[]], "code": {}, "submissions": {"a": NaN}}'),
    (JSON, b"\xff\xfe"),
    (FORM, b"name=%00&code=%00&selected=%00&days=%00&login=%00&password=%00&email=%00&action=%00"),
    (FORM, b"name=%ff&code=%ff&selected=%ff&days=%ff&login=%ff&password=%ff&email=%ff&action=%ff"),
    (FORM, f"name=a&selected={HUGE}&days={HUGE}&login={'a' * 9000}&_selected_action=x".encode()),
    (PARTS, b"no boundary"),
    (f"{PARTS}; boundary=\xff", b""),
    (
        f"{PARTS}; boundary=x",
        b"--x\r\nContent-Disposition: form-data; name=file; filename*=nonsense''x\r\n"
        b"Content-Type: a; charset=punycode\r\nContent-Transfer-Encoding: base64\r\n\r\n=\r\n--x--",
    ),
    (
        f"{PARTS}; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="\xff\x00.pt"\r\n\r\n\xff'
        b'\r\n--x\r\nContent-Disposition: form-data; name="note"\r\n\r\n\x00\r\n--x--\r\n',
    ),
]


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hides thousands of expected refusals in the log, and raises the limit of changes."""
    monkeypatch.setattr(WriteThrottle, "rate", "1000000/min")
    logging.disable(logging.CRITICAL)
    ends = (signals.request_started, signals.request_finished)
    for one in ends:  # as Django's own test client: the test's transaction stays open
        one.disconnect(close_old_connections)
    yield
    for one in ends:
        one.connect(close_old_connections)
    logging.disable(logging.NOTSET)


def ask(
    method: str,
    path: str,
    *,
    query: str = "",
    body: bytes = b"",
    cookies: str = f"csrftoken={SECRET}",
    **more: str,
) -> Answer:
    """A request as gunicorn hands it on; `path` is still quoted."""
    raw = unquote_to_bytes(path)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": raw.decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "HTTP_HOST": "localhost",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_COOKIE": cookies,
        "HTTP_X_CSRFTOKEN": SECRET,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **more,
    }
    told: list[tuple[str, list[tuple[str, str]]]] = []
    answer = application(environ, lambda status, headers, _=None: told.append((status, headers)))
    content = b"".join(answer)
    getattr(answer, "close", lambda: None)()
    [(status, headers)] = told
    return int(status.split()[0]), dict(headers), content


def signed_in(user: User) -> str:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return f"csrftoken={SECRET}; sessionid={client.cookies['sessionid'].value}"


def addresses(patterns: Any = None, before: str = "") -> Iterator[str]:
    for one in get_resolver().url_patterns if patterns is None else patterns:
        whole = before + str(one.pattern).lstrip("^") if before else str(one.pattern)
        if isinstance(one, URLResolver):
            yield from addresses(one.url_patterns, whole)
        elif isinstance(one, URLPattern):
            yield (
                "/"
                + re.sub(r"<(?:\w+:)?(\w+)>", r"<\1>", simplify_regex(whole)).strip("/^")
                + ("/" if whole.rstrip("$").endswith("/") else "")
            )


@pytest.fixture
def place(
    team: Team, scored: Callable[..., Submission], owner: User
) -> Callable[[str], tuple[str, bool]]:
    """An address with the rows that the owner may see; and whether it names any."""
    submission = scored(team)
    token, _ = tokens.issue(user=owner, name="tests")
    invitation = teams.invite(team=team, by=owner)

    def filled(address: str) -> tuple[str, bool]:
        row = team.pk if "/teams/" in address else submission.pk
        known = {
            "slug": "waste",
            "board": "public",
            "name": "public",
            "format": "csv",
            "pk": str(submission.evaluation.pk if "/evaluations/" in address else row),
            "object_id": "1",
            "code": invitation.code,
            "token_key": token.token_key,
        }
        return re.sub(r"<(\w+)>", lambda one: known.get(one[1], "x"), address), "<" in address

    return filled


def test_no_input_breaks_a_door(
    place: Callable[[str], tuple[str, bool]], team: Team, owner: User, organizer: User
) -> None:
    every = sorted(set(addresses()))
    assert len(every) > 100
    broken = []

    def check(method: str, path: str, **request: Any) -> int:
        status, _, content = ask(method, path, **request)
        if status >= 500 or b"Traceback" in content:
            broken.append((method, path[:80], str(request)[:160], status))
        return status

    # A share of all inputs goes to each address, and each input to that share of all addresses.
    for turn, address in enumerate(every):
        path, has_parameters = place(address)
        # Anew each time: among these requests are some that sign out or leave the team.
        cookies = signed_in(organizer if address.startswith("/admin/") else owner)
        Membership.objects.get_or_create(team=team, user=owner, competition=team.competition)
        check("GET", path, cookies=cookies)
        is_panel = address.startswith("/admin/") and not sweep.IS_WHOLE  # many, and they take long
        segments = BAD_SEGMENTS[:1] if is_panel else BAD_SEGMENTS[turn % SHARE :: SHARE]
        for bad in segments if has_parameters else ():
            check("GET", re.sub(r"<\w+>", bad, address), cookies=cookies)
        for query in BAD_QUERIES[1:2] if is_panel else BAD_QUERIES[turn % SHARE :: SHARE]:
            check("GET", path, query=query, cookies=cookies)
        if is_panel:
            check("POST", path, body=BAD_BODIES[7][1], CONTENT_TYPE=FORM, cookies=cookies)
            continue
        others = ("PUT", "DELETE", "OPTIONS") if address.startswith("/api/") else ("NONSENSE",)
        for late, method in enumerate(("POST", *others)):
            is_possible = check(method, path, body=b"{}", CONTENT_TYPE=JSON) not in (404, 405)
            bodies = BAD_BODIES[(turn + late) % SHARE :: SHARE] if is_possible else ()
            for content_type, body in bodies:
                check(method, path, body=body, CONTENT_TYPE=content_type, cookies=cookies)
    for path in ("/", "/competitions/waste/team/", "/accounts/login/", "/api/v2/competitions"):
        for headers in BAD_HEADERS:
            for method in ("GET", "POST"):
                check(method, path, query="next=%ff&page=%ff", body=b"login=%ff", **headers)
                if "HTTP_COOKIE" not in headers:
                    check(method, path, query="page=%ff", cookies=signed_in(owner), **headers)
    assert not broken


def test_where_the_database_is_away_everybody_is_told_when_to_try_again(
    place: Callable[[str], tuple[str, bool]], owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [place(address)[0] for address in sorted(set(addresses()))]
    session = signed_in(owner)

    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("connection refused: /secret/path")

    monkeypatch.setattr(BaseDatabaseWrapper, "cursor", away)
    monkeypatch.setattr(BaseDatabaseWrapper, "chunked_cursor", away)
    seen = set()
    for path in paths:
        for method, body in (("GET", b""), ("POST", b"name=a&login=a&password=b")):
            status, headers, content = ask(
                method, path, body=body, CONTENT_TYPE=FORM, cookies=session
            )
            seen.add(status)
            assert status < 500 or status == 503, (method, path, status)
            assert b"secret" not in content
            if status != 503:
                continue
            assert int(headers["Retry-After"]) > 0, path
            if headers["Content-Type"].startswith("application/json"):
                assert json.loads(content)["code"] == "database_away"
            else:
                assert b"<h1>The site is not available for a moment" in content
    assert 503 in seen
    assert ask("GET", "/healthz")[0] == 503
    assert ask("GET", "/")[0] == 503


@pytest.mark.parametrize("where", ["spool", "store"])
def test_a_full_disk_is_our_fault_with_a_code(
    team: Team, owner: User, model: bytes, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/secret/path")

    if where == "spool":
        monkeypatch.setattr(TemporaryFileUploadHandler, "receive_data_chunk", full)
    else:
        monkeypatch.setattr(FileSystemStorage, "_save", full)
    client = Client(raise_request_exception=False)
    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    _, secret = tokens.issue(user=owner, name="tests")
    for url, headers in (
        ("/competitions/waste/submit/", {}),
        ("/api/v2/competitions/waste/submissions", {"Authorization": f"Token {secret}"}),
    ):
        answer = client.post(
            url, {"file": SimpleUploadedFile("model.pt", model)}, headers=headers or None
        )
        assert answer.status_code == 507, url
        assert answer["Retry-After"]
        assert b"secret" not in answer.content
        if headers:
            assert answer.json()["code"] == "no_space"
        else:
            assert b"The disk of the server is full" in answer.content
    assert not Submission.objects.exists()


def test_an_upload_while_the_last_member_leaves_is_refused(
    rivals: Team, rival: User, model: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = files.keep

    def left(*file: Any, **how: Any) -> str:
        if Team.objects.filter(pk=rivals.pk).exists():
            teams.leave(team=rivals, by=rival)
        return keep(*file, **how)

    monkeypatch.setattr(files, "keep", left)
    _, secret = tokens.issue(user=rival, name="tests")
    answer = Client(raise_request_exception=False).post(
        "/api/v2/competitions/waste/submissions",
        {"file": SimpleUploadedFile("model.pt", model)},
        headers={"Authorization": f"Token {secret}"},
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_an_upload_of_somebody_who_has_just_left_is_refused(
    team: Team, owner: User, model: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = files.keep

    def left(*file: Any, **how: Any) -> str:
        team.memberships.filter(user=owner).delete()
        return keep(*file, **how)

    monkeypatch.setattr(files, "keep", left)
    client = Client()
    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    client.post("/competitions/waste/submit/", {"file": SimpleUploadedFile("model.pt", model)})
    assert not Submission.objects.exists()
