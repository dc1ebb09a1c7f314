"""What a winner is asked for, and what its team hands in."""

from __future__ import annotations

from rest_framework import serializers

from leaderboard.models import Verification


class VerificationDetail(serializers.ModelSerializer[Verification]):
    takes_files = serializers.BooleanField(help_text="Whether the team can hand in now.")
    sha256 = serializers.CharField(help_text="Of the file; empty without one.")

    class Meta:
        model = Verification
        fields = (
            "state",
            "wish",
            "asked_at",
            "due_at",
            "takes_files",
            "file_name",
            "size_bytes",
            "sha256",
            "link",
            "note",
            "handed_in_at",
            "decided_at",
            "reason",
        )


class HandIn(serializers.Serializer[Verification]):
    """A file, a link, or both."""

    file = serializers.FileField(
        required=False,
        allow_empty_file=True,
        default=None,
        help_text="A zip or a PDF, at most 200 MB. Without it the file that came before stays.",
    )
    link = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=500,
        default="",
        help_text="Of a repository; it begins with https://.",
    )
    note = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=1000,
        default="",
        help_text="For the organizers.",
    )
