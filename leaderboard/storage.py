"""Where stored files lie: in a folder, or in a bucket of an object storage that speaks S3."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from leaderboard.environment import Environment, wrong

NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
SCHEMES = ("https", "http")
LIKE = "https://s3.example.org"


@dataclass(frozen=True)
class Bucket:
    """A bucket, and the key by which this process enters it."""

    name: str
    endpoint: str
    public_endpoint: str
    """The address at which participants reach the same storage."""
    region: str
    access_key: str
    secret_key: str
    cache_bytes: int
    """Most bytes of copies on this machine."""

    @property
    def public_address(self) -> str:
        """Below it lie all objects, as browsers see them."""
        return f"{self.public_endpoint}/{self.name}/"


def bucket(env: Environment) -> Bucket | None:
    """The bucket of the environment, or None. A half of its settings stops the start."""
    endpoint = env.address("S3_ENDPOINT", default="", schemes=SCHEMES, like=LIKE)
    public = env.address("S3_PUBLIC_ENDPOINT", default="", schemes=SCHEMES, like=LIKE)
    region = env.str("S3_REGION", default="us-east-1").strip()
    cache_bytes = env.whole("S3_CACHE_BYTES", default=20 << 30, least=1 << 20)
    given = [env.str(name, default="") for name in ("S3_BUCKET", "S3_ACCESS_KEY", "S3_SECRET_KEY")]
    if not any((endpoint, public, *given)):
        return None
    name = env.text("S3_BUCKET")
    if not NAME.fullmatch(name):
        raise wrong("S3_BUCKET", "the name of a bucket, like featherweight-files", name)
    return Bucket(
        name=name,
        endpoint=origin("S3_ENDPOINT", env.text("S3_ENDPOINT")),
        public_endpoint=origin("S3_PUBLIC_ENDPOINT", public or endpoint),
        region=region,
        access_key=env.text("S3_ACCESS_KEY"),
        secret_key=env.text("S3_SECRET_KEY"),
        cache_bytes=cache_bytes,
    )


def origin(name: str, address: str) -> str:
    """An address without a path: objects are named below the bucket alone."""
    found = urlsplit(address)
    if found.path.strip("/") or found.query or found.fragment or "@" in found.netloc:
        raise wrong(name, f"an address without a path, like {LIKE}")
    return address.rstrip("/")


def default(folder: Path, bucket: Bucket | None) -> dict[str, Any]:
    """The storage of all files that rows name, as Django's STORAGES has it."""
    if bucket is None:
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(folder), "base_url": None},
        }
    return {
        "BACKEND": "leaderboard.services.objects.ObjectStorage",
        "OPTIONS": {
            "bucket_name": bucket.name,
            "endpoint_url": bucket.endpoint,
            "public_endpoint": bucket.public_endpoint,
            "region_name": bucket.region,
            "access_key": bucket.access_key,
            "secret_key": bucket.secret_key,
        },
    }
