"""A file that comes in parts, as its team sees it."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from django.utils.translation import gettext
from rest_framework import serializers

from leaderboard import digits
from leaderboard.errors import Refused
from leaderboard.models import PartialUpload
from leaderboard.services import partial_uploads


class PartialUploadDetail(serializers.ModelSerializer[PartialUpload]):
    competition = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    offset = serializers.SerializerMethodField(help_text="Bytes that have come.")

    class Meta:
        model = PartialUpload
        fields = (
            "key",
            "competition",
            "file_name",
            "size_bytes",
            "offset",
            "created_at",
            "expires_at",
        )

    def get_offset(self, upload: PartialUpload) -> int:
        return partial_uploads.offset(upload)


class UploadEnd(serializers.Serializer[Any]):
    sha256 = serializers.RegexField(
        "^[0-9A-Fa-f]{64}$",
        required=False,
        default="",
        help_text="Of the whole file, in hexadecimal. Another file is refused.",
    )


class UploadSubmission(UploadEnd):
    note = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


def number(name: str, value: str | None) -> int:
    """A whole number of a header. Raises `Refused`."""
    found = digits.whole(value or "")
    if found is None:
        raise Refused(
            gettext("The header %(name)s must be a whole number of bytes.") % {"name": name},
            code="bad_upload_header",
        )
    return found


def metadata(value: str) -> dict[str, str]:
    """The header Upload-Metadata: words and their values in base 64, with commas between them.

    Raises `Refused`.
    """
    found = {}
    for pair in value.split(","):
        word, _, encoded = pair.strip().partition(" ")
        try:
            found[word] = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, ValueError) as error:
            raise Refused(
                gettext("The header Upload-Metadata must have values in base 64."),
                code="bad_upload_header",
            ) from error
    purpose = found.setdefault("purpose", partial_uploads.PURPOSES[0])
    if purpose not in partial_uploads.PURPOSES:
        raise Refused(
            gettext("The purpose of an upload is one of: %(purposes)s.")
            % {"purposes": ", ".join(partial_uploads.PURPOSES)},
            code="bad_upload_header",
        )
    return found
