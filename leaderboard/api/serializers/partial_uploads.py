"""A file that comes in parts, as its team sees it."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from leaderboard import digits
from leaderboard.api.serializers import sending
from leaderboard.errors import Refused
from leaderboard.models import PartialUpload
from leaderboard.services import direct_uploads, partial_uploads

SHA256 = "^[0-9A-Fa-f]{64}$"


class Direct(serializers.Serializer[Any]):
    part_bytes = serializers.IntegerField(help_text="The size of each part except the last one.")
    parts = serializers.ListField(
        child=serializers.IntegerField(), help_text="The numbers of the parts that have arrived."
    )


class PartialUploadDetail(serializers.ModelSerializer[PartialUpload]):
    competition = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    offset = serializers.SerializerMethodField(help_text="The bytes that have arrived.")
    direct = serializers.SerializerMethodField(
        help_text="null if the parts are sent here. Otherwise they go to the object storage: "
        "ask for the address of each part."
    )

    class Meta:
        model = PartialUpload
        fields = (
            "key",
            "competition",
            "file_name",
            "size_bytes",
            "offset",
            "direct",
            "created_at",
            "expires_at",
        )

    def get_offset(self, upload: PartialUpload) -> int:
        return partial_uploads.offset(upload)

    @extend_schema_field(Direct(allow_null=True))
    def get_direct(self, upload: PartialUpload) -> dict[str, Any] | None:
        if not upload.multipart_id:
            return None
        return {
            "part_bytes": direct_uploads.part_bytes(upload),
            "parts": direct_uploads.numbers(upload),
        }


class WantedPart(serializers.Serializer[Any]):
    number = serializers.IntegerField(min_value=1, help_text="From 1.")
    sha256 = serializers.RegexField(
        SHA256,
        help_text="The SHA-256 of this part, in hexadecimal. The storage refuses other bytes.",
    )


class WantedParts(serializers.Serializer[Any]):
    parts = serializers.ListField(
        child=WantedPart(), allow_empty=False, max_length=direct_uploads.MOST_AT_ONCE
    )


class PartAddress(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    url = serializers.CharField(
        help_text="Send the part to this address with PUT, without a token."
    )
    headers = serializers.DictField(
        child=serializers.CharField(), help_text="Headers that the request must have."
    )
    expires_at = serializers.DateTimeField(help_text="After this time the address no longer works.")


class UploadEnd(serializers.Serializer[Any]):
    sha256 = serializers.RegexField(
        SHA256,
        required=False,
        default="",
        help_text="The SHA-256 of the whole file, in hexadecimal. Another file is refused.",
    )


class UploadSubmission(UploadEnd):
    note = sending.Words(help_text="For the team.")
    branch = sending.Words(help_text=sending.BRANCH)


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
