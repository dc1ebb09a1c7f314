"""What is said while a command is signed in by a browser."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from leaderboard.models import Scope


class NewDevice(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80, help_text="The name of the token in the list.")
    scope = serializers.ChoiceField(
        choices=[(one.value, one.value) for one in Scope], default=Scope.MANAGE.value
    )


class BegunDevice(serializers.Serializer[Any]):
    device_code = serializers.CharField(help_text="For the command only.")
    user_code = serializers.CharField(help_text="The person types this code.")
    verification_uri = serializers.CharField(help_text="The page where the person types the code.")
    verification_uri_complete = serializers.CharField(
        help_text="The same page with the code filled in."
    )
    expires_in = serializers.IntegerField(help_text="Seconds.")
    interval = serializers.IntegerField(help_text="Seconds between two requests.")


class DeviceCode(serializers.Serializer[Any]):
    device_code = serializers.CharField(max_length=100)


class NewToken(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="Shown once.")
    scope = serializers.CharField()
    expires_at = serializers.DateTimeField()
