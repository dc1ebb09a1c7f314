"""Stored files in a bucket of an object storage that speaks S3.

To everybody else a bucket that fails is what a disk that fails is: an `OSError`.
"""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO, Any

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files import File
from storages.backends.s3 import S3Storage

CONFIG = Config(
    # Each service knows addresses with the bucket in the path, and browsers are told one origin.
    s3={"addressing_style": "path"},
    signature_version="s3v4",
    connect_timeout=5,
    read_timeout=60,
    retries={"mode": "standard", "max_attempts": 3},
    # Some services refuse the checksums that newer clients add by themselves.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


class ObjectStorage(S3Storage):  # type: ignore[misc]  # the package has no types
    """The bucket of the settings. A name is a key, and equal names are the same object."""

    def __init__(self, **options: Any) -> None:
        super().__init__(client_config=CONFIG, **options)

    @property
    def client(self) -> Any:
        return self.connection.meta.client

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        """A whole copy in a temporary file, because readers of zips go to and fro in it."""
        source = tempfile.TemporaryFile(prefix="featherweight-")  # noqa: SIM115  closed by readers
        self.fetch(name, source)
        source.seek(0)
        return File(source, name=name)

    def fetch(self, name: str, target: IO[bytes]) -> None:
        """Write the bytes of an object into a file. Raises `OSError`."""
        with blamed(name):
            self.client.download_fileobj(self.bucket_name, name, target)

    def _save(self, name: str, content: Any) -> str:
        with blamed(name):
            return str(super()._save(name, content))

    def delete(self, name: str) -> None:
        with blamed(name):
            super().delete(name)

    def exists(self, name: str) -> bool:
        with blamed(name):
            return bool(super().exists(name))

    def size(self, name: str) -> int:
        with blamed(name):
            return int(super().size(name))

    def listdir(self, name: str) -> tuple[list[str], list[str]]:
        with blamed(name):
            folders, names = super().listdir(name)
        return folders, names

    def get_modified_time(self, name: str) -> datetime:
        with blamed(name):
            found: datetime = super().get_modified_time(name)
        return found


@contextmanager
def blamed(name: str) -> Iterator[None]:
    """An error of the client becomes an `OSError`: `FileNotFoundError` for an object that is not
    there."""
    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as error:
        answer = getattr(error, "response", {}).get("ResponseMetadata", {})
        if answer.get("HTTPStatusCode") == 404:
            raise FileNotFoundError(errno.ENOENT, str(error), name) from error
        raise OSError(errno.EIO, str(error), name) from error
