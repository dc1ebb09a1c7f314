"""A team's webhooks and their calls."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from leaderboard.models import Delivery, Webhook


class WebhookDetail(serializers.ModelSerializer[Webhook]):
    events = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Webhook
        fields: tuple[str, ...] = ("id", "url", "events", "created_at", "failures", "stopped_at")


class CreatedWebhook(WebhookDetail):
    class Meta(WebhookDetail.Meta):
        fields = (*WebhookDetail.Meta.fields, "secret")


class NewWebhook(serializers.Serializer[Any]):
    url = serializers.CharField(max_length=500, help_text="It begins with https://.")
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=Webhook.Event.choices), max_length=20
    )


class DeliveryDetail(serializers.ModelSerializer[Delivery]):
    class Meta:
        model = Delivery
        fields = (
            "id",
            "identifier",
            "event",
            "body",
            "created_at",
            "attempts",
            "attempted_at",
            "delivered_at",
            "due_at",
            "status",
            "error",
        )
