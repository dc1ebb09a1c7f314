"""Stored files in a bucket of an object storage that speaks S3.

To everybody else a bucket that fails is what a disk that fails is: an `OSError`.
"""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
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


@dataclass(frozen=True)
class Part:
    """One part of an object. Parts are numbered from 1."""

    number: int
    size_bytes: int
    checksum: str
    """The SHA-256 of the part, in base 64."""
    etag: str = ""
    came_at: datetime | None = None


class ObjectStorage(S3Storage):  # type: ignore[misc]  # the package has no types
    """The bucket of the settings. A name is a key, and equal names are the same object."""

    def __init__(self, *, public_endpoint: str, **options: Any) -> None:
        self.public_endpoint = public_endpoint
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

    def copy(self, source: str, target: str) -> None:
        """Give the bytes of an object a second name. They stay inside the storage."""
        with blamed(source):
            self.client.copy({"Bucket": self.bucket_name, "Key": source}, self.bucket_name, target)

    # Objects that come in parts, each of which others may send by a signed address. No object is
    # there before `complete`, and none of these addresses is of use after it.

    def begin(self, name: str) -> str:
        """The key of a new multipart upload."""
        with blamed(name):
            begun = self.client.create_multipart_upload(
                Bucket=self.bucket_name, Key=name, ChecksumAlgorithm="SHA256"
            )
        return str(begun["UploadId"])

    def address(self, name: str, upload: str, part: Part, *, seconds: int) -> str:
        """A signed address at which anybody may put this part, and no other bytes, for so many
        seconds."""
        wanted = {
            "Bucket": self.bucket_name,
            "Key": name,
            "UploadId": upload,
            "PartNumber": part.number,
            "ContentLength": part.size_bytes,
            "ChecksumSHA256": part.checksum,
        }
        return str(self.signer.generate_presigned_url("upload_part", wanted, seconds))

    @cached_property
    def signer(self) -> Any:
        """A client that signs for the address that participants know. It never asks the storage."""
        return self._create_session().client(
            "s3",
            region_name=self.region_name,
            endpoint_url=self.public_endpoint,
            config=self.client_config,
        )

    def parts(self, name: str, upload: str) -> list[Part]:
        """What has come. Raises `FileNotFoundError` if the upload is complete or was given up."""
        with blamed(name):
            pages = self.client.get_paginator("list_parts").paginate(
                Bucket=self.bucket_name, Key=name, UploadId=upload
            )
            found = [one for page in pages for one in page.get("Parts", ())]
        return [
            Part(
                number=one["PartNumber"],
                size_bytes=one["Size"],
                checksum=one.get("ChecksumSHA256", ""),
                etag=one["ETag"],
                came_at=one["LastModified"],
            )
            for one in found
        ]

    def complete(self, name: str, upload: str, parts: list[Part]) -> None:
        """Make an object of its parts."""
        told = [
            {"PartNumber": one.number, "ETag": one.etag}
            | ({"ChecksumSHA256": one.checksum} if one.checksum else {})
            for one in parts
        ]
        with blamed(name):
            self.client.complete_multipart_upload(
                Bucket=self.bucket_name, Key=name, UploadId=upload, MultipartUpload={"Parts": told}
            )

    def abort(self, name: str, upload: str) -> None:
        """Forget the parts of an upload, if it is still there."""
        with suppress(FileNotFoundError), blamed(name):
            self.client.abort_multipart_upload(Bucket=self.bucket_name, Key=name, UploadId=upload)

    def left(self, prefix: str, before: datetime) -> list[tuple[str, str]]:
        """All names below a prefix that are older than a time.

        Each comes with the key of its multipart upload; an object has no such key.
        """
        place = {"Bucket": self.bucket_name, "Prefix": prefix}
        with blamed(prefix):
            pages = self.client.get_paginator("list_multipart_uploads").paginate(**place)
            uploads = [one for page in pages for one in page.get("Uploads", ())]
            pages = self.client.get_paginator("list_objects_v2").paginate(**place)
            objects = [one for page in pages for one in page.get("Contents", ())]
        begun = [(one["Key"], one["UploadId"]) for one in uploads if one["Initiated"] < before]
        return begun + [(one["Key"], "") for one in objects if one["LastModified"] < before]


@contextmanager
def blamed(name: str) -> Iterator[None]:
    """An error of the client in the body becomes an `OSError`: `FileNotFoundError` for an object
    that is not there."""
    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as error:
        answer = getattr(error, "response", {}).get("ResponseMetadata", {})
        if answer.get("HTTPStatusCode") == 404:
            raise FileNotFoundError(errno.ENOENT, str(error), name) from error
        raise OSError(errno.EIO, str(error), name) from error
