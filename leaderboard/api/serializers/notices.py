"""What a person was told."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from leaderboard.models import Notice, User
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


class Choices(serializers.Serializer[User]):
    """Which kinds of notices I want, and where."""

    on_pages = serializers.ListField(
        child=serializers.ChoiceField(Notice.Kind.choices), max_length=100
    )
    by_mail = serializers.ListField(
        child=serializers.ChoiceField(Notice.Kind.choices), max_length=100
    )

    def to_representation(self, person: User) -> dict[str, list[str]]:
        kinds = Notice.Kind.values
        return {
            "on_pages": [kind for kind in kinds if kind not in person.quiet_on_pages],
            "by_mail": [kind for kind in kinds if kind not in person.quiet_by_mail],
        }
