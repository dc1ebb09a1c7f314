"""An object storage in this process: moto behind a WSGI application.

The application checks that a presigned request keeps all that was signed. Real storages do so, and
moto does not.
"""

from __future__ import annotations

import base64
import hashlib
import io
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, urlencode

import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from django.core.files.storage import default_storage
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from leaderboard import storage
from leaderboard.storage import Bucket

ACCESS_KEY, SECRET_KEY, REGION = "somebody", "a-secret", "us-east-1"


@dataclass
class Door:
    """A WSGI application that refuses presigned requests that break a condition of theirs."""

    inner: Any
    late_seconds: float = 0
    """Seconds by which the clock here is ahead of the clock of the signer."""
    lost: int = 0
    """The next parts, this many, are refused as if the storage were away."""
    seen: list[str] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        query = environ.get("QUERY_STRING", "")
        # Requests with the site's own key, and the preflight of a browser.
        if "HTTP_AUTHORIZATION" in environ or environ["REQUEST_METHOD"] == "OPTIONS":
            return self.inner(environ, start)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        self.seen.append(environ["REQUEST_METHOD"])
        if self.lost:
            self.lost -= 1
            start("503 Slow Down", [("Access-Control-Allow-Origin", "*")])
            return [b""]
        if flaw := self.flaw(environ, query, body):
            start("403 Forbidden", [("Content-Type", "text/plain")])
            return [flaw.encode()]
        return self.inner(environ, start)

    def flaw(self, environ: dict[str, Any], query: str, body: bytes) -> str:
        told = {name: values[0] for name, values in parse_qs(query).items()}
        if "X-Amz-Signature" not in told:
            return "anonymous"
        signed_at = datetime.strptime(told["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if time.time() + self.late_seconds > signed_at.timestamp() + int(told["X-Amz-Expires"]):
            return "expired"
        headers = {"content-length": environ.get("CONTENT_LENGTH", "")}
        for name, value in environ.items():
            if name.startswith("HTTP_"):
                headers[name[5:].lower().replace("_", "-")] = value
        wanted = told["X-Amz-SignedHeaders"].split(";")
        signed = {name: headers.get(name) for name in wanted}
        if told["X-Amz-Signature"] != signature(environ, query, signed):
            return "signature"
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        return "" if headers.get("x-amz-checksum-sha256", digest) == digest else "checksum"


def signature(environ: dict[str, Any], query: str, headers: dict[str, Any]) -> str:
    """The signature that a request with these headers needs, made by the client's own library."""
    told = parse_qsl(query, keep_blank_values=True)
    pairs = [pair for pair in told if pair[0] != "X-Amz-Signature"]
    address = f"http://{headers['host']}{quote(environ['PATH_INFO'])}"
    asked = f"{address}?{urlencode(pairs, quote_via=quote)}"
    request = AWSRequest(environ["REQUEST_METHOD"], asked)
    for name, value in headers.items():
        request.headers[name] = value or ""
    auth = S3SigV4QueryAuth(Credentials(ACCESS_KEY, SECRET_KEY), "s3", REGION)
    request.context["timestamp"] = dict(pairs)["X-Amz-Date"]
    text = auth.string_to_sign(request, auth.canonical_request(request))
    return str(auth.signature(text, request))


class Quiet(WSGIRequestHandler):
    def log_request(self, *what: Any) -> None:
        """Writes nothing, because nobody reads it."""


@contextmanager
def serving() -> Iterator[tuple[str, Door]]:
    """The address of the storage, and the application before it."""
    door = Door(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, door, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", door
    finally:
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, Door]]:
    with serving() as found:
        yield found


@pytest.fixture
def bucket(server: tuple[str, Door], settings: Any, own_files: None) -> Bucket:
    """An empty bucket, which the site is set to."""
    address, _ = server
    made = Bucket(
        name="files",
        endpoint=address,
        public_endpoint=address,
        region=REGION,
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        cache_bytes=1 << 30,
    )
    settings.BUCKET = made
    settings.STORAGES = settings.STORAGES | {"default": storage.default(Path(), made)}
    client().create_bucket(Bucket="files")
    for page in client().get_paginator("list_objects_v2").paginate(Bucket="files"):
        for one in page.get("Contents", ()):
            client().delete_object(Bucket="files", Key=one["Key"])
    for one in client().list_multipart_uploads(Bucket="files").get("Uploads", ()):
        client().abort_multipart_upload(Bucket="files", Key=one["Key"], UploadId=one["UploadId"])
    return made


def client() -> Any:
    storage: Any = default_storage
    return storage.connection.meta.client
