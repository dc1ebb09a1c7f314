"""What a person was told."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from leaderboard.models import Notice
from leaderboard.services import notice_words


class NoticeDetail(serializers.ModelSerializer[Notice]):
    competition = serializers.SlugRelatedField[Notice](slug_field="slug", read_only=True)
    title = serializers.CharField(help_text="In the language of the request, like `text`.")
    text = serializers.CharField()

    class Meta:
        model = Notice
        fields = ("id", "kind", "competition", "title", "text", "path", "created_at", "read_at")

    def to_representation(self, notice: Notice) -> dict[str, Any]:
        notice.title, notice.text = notice_words.said(notice)  # type: ignore[attr-defined]
        return super().to_representation(notice)
