"""What a competition hands out to everyone."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from leaderboard.models import ReferenceModel, Split
from leaderboard.services import references


class Sample(serializers.ModelSerializer[Split]):
    """Images given to everyone: class folders in a zip."""

    url = serializers.SerializerMethodField()
    licence = serializers.CharField(source="dataset.licence")

    class Meta:
        model = Split
        fields = ("url", "sha256", "size_bytes", "images", "images_by_class", "licence")

    @extend_schema_field(serializers.URLField())
    def get_url(self, split: Split) -> str:
        request = self.context["request"]
        return reverse("api-sample", args=[self.context["slug"]], request=request)


class Reference(serializers.ModelSerializer[ReferenceModel]):
    """The organizers' model, if they have released it."""

    url = serializers.SerializerMethodField()
    file_name = serializers.SerializerMethodField()

    class Meta:
        model = ReferenceModel
        fields = ("url", "file_name", "sha256", "size_bytes", "name")

    @extend_schema_field(serializers.URLField())
    def get_url(self, reference: ReferenceModel) -> str:
        request = self.context["request"]
        return reverse("api-reference", args=[self.context["slug"]], request=request)

    def get_file_name(self, reference: ReferenceModel) -> str:
        return references.file_name(reference, self.context["slug"])
