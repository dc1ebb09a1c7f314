"""What a caller sends with a model, and to find the models sent before."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from leaderboard.models import Submission
from scoring import formats

BRANCH = (
    "The branch of the repository. The score is compared with the branch's earlier "
    "scores (`in_branch`)."
)


class Words(serializers.CharField):
    """One line of text that may be left out."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=200, required=False, allow_blank=True, default="", **options)


class Upload(serializers.Serializer[Submission]):
    """A model file, as multipart/form-data."""

    file = serializers.FileField(
        allow_empty_file=True, help_text=f"The model file. Formats: {formats.titles()}."
    )
    note = Words(help_text="For the team.")
    branch = Words(help_text=BRANCH)


class Note(serializers.Serializer[Submission]):
    note = serializers.CharField(max_length=200, allow_blank=True)


class IdempotencyKey(serializers.Serializer[Submission]):
    idempotency_key = serializers.CharField(max_length=200, allow_null=True)


class Filter(serializers.Serializer[Submission]):
    competition = serializers.SlugField(
        required=False, help_text="Only submissions to this competition."
    )
    branch = serializers.CharField(
        max_length=200,
        required=False,
        help_text="Only submissions from this branch of the repository.",
    )
