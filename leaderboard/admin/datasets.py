"""Datasets: imported from a zip by a form, then only looked at. Nothing hidden is a download."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import admin
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from leaderboard.admin import pages
from leaderboard.errors import BadDataset
from leaderboard.models import Dataset, Split, User
from leaderboard.services import datasets

SHOWN = 50


def share_field(split: str, help_text: str) -> forms.FloatField:
    return forms.FloatField(
        label=f"Share of the {split} split",
        required=False,
        min_value=0,
        max_value=1,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
        help_text=help_text,
    )


class ImportForm(forms.Form):
    source = forms.FileField(
        label="Zip of images",
        widget=UnfoldAdminFileFieldWidget,
        help_text="Class folders with images, or sample/, public/ and private/ with class folders.",
    )
    name = forms.CharField(max_length=120, widget=UnfoldAdminTextInputWidget)
    licence = forms.CharField(
        max_length=200,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Shown beside the sample.",
    )
    sample = share_field("sample", "Given to the teams. All empty: 0.6, 0.2 and 0.2.")
    public = share_field("public", "Hidden; its F1 counts on the public board.")
    private = share_field("private", "Hidden; its F1 counts on the private board.")
    seed = forms.IntegerField(
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="The same seed divides the same images in the same way on this site. Tell "
        "nobody. Empty: drawn and forgotten.",
    )
    skip_bad = forms.BooleanField(
        label="Leave out files that are no readable images",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="They are listed with the dataset. Otherwise such a file stops the import.",
    )

    def clean(self) -> dict[str, Any]:
        given = [self.cleaned_data.get(split) for split in datasets.SHARES]
        if any(share is None for share in given) and any(share is not None for share in given):
            raise forms.ValidationError("Give all three shares, or none.")
        return self.cleaned_data


class SplitInline(pages.FixedInline):
    model = Split
    fields = ["name", "images", "by_class", "size"]
    readonly_fields = fields

    @display(description="By class")
    def by_class(self, split: Split) -> str:
        return ", ".join(f"{label} {count}" for label, count in split.images_by_class.items())

    @display(description="Size")
    def size(self, split: Split) -> str:
        return filesizeformat(split.size_bytes)


@admin.register(Dataset)
class DatasetAdmin(pages.Fixed):
    list_display = [
        "name",
        "classes_count",
        "sample",
        "public",
        "private",
        "left_out",
        "created_at",
    ]
    search_fields = ["name"]
    fields = ["name", "licence", "class_names", "created_at", "content", "left_out_files"]
    readonly_fields = ["class_names", "content", "left_out_files"]
    inlines = [SplitInline]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("leaderboard.add_dataset")

    @pages.takes_files
    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return pages.ask(
            self,
            request,
            None,
            title="Import a dataset",
            says="Every image is read, divided class by class, and packed under a neutral name. "
            "This page answers when that is done, which can take minutes; for sets too large for "
            "a browser there is the command manage.py import_dataset.",
            form_class=ImportForm,
            button="Import",
            do=lambda **fields: import_(**fields, by=pages.organizer(request)),
            done="{} is imported. The same content is stored only once.",
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dataset]:
        splits = Prefetch("splits", Split.objects.order_by("pk"))
        return super().get_queryset(request).prefetch_related(splits)

    @display(description="Classes")
    def classes_count(self, dataset: Dataset) -> int:
        return len(dataset.classes)

    @display(description="Classes, in the order of the logits")
    def class_names(self, dataset: Dataset) -> str:
        return ", ".join(dataset.classes)

    @display(description="SHA-256")
    def content(self, dataset: Dataset) -> str:
        return f"{dataset.sha256[:16]}…"

    @display(description="Sample")
    def sample(self, dataset: Dataset) -> int | str:
        return images_of(dataset, "sample")

    @display(description="Public")
    def public(self, dataset: Dataset) -> int | str:
        return images_of(dataset, "public")

    @display(description="Private")
    def private(self, dataset: Dataset) -> int | str:
        return images_of(dataset, "private")

    @display(description="Left out")
    def left_out(self, dataset: Dataset) -> int:
        return len(dataset.skipped)

    @display(description="Left out")
    def left_out_files(self, dataset: Dataset) -> SafeString | str:
        rows = [(one["name"], one["message"]) for one in dataset.skipped[:SHOWN]]
        if len(dataset.skipped) > SHOWN:
            rows.append(("…", f"and {len(dataset.skipped) - SHOWN} more"))
        return pages.figures(rows) if rows else "Nothing."


def import_(
    *,
    source: TemporaryUploadedFile,
    name: str,
    licence: str,
    sample: float | None,
    public: float | None,
    private: float | None,
    seed: int | None,
    skip_bad: bool,
    by: User,
) -> Dataset:
    """The form's fields as the service wants them."""
    path = Path(source.temporary_file_path())
    try:
        return datasets.import_(
            name=name,
            source=path,
            shares=None
            if sample is None or public is None or private is None
            else {"sample": sample, "public": public, "private": private},
            seed=secrets.randbits(63) if seed is None else seed,
            skip_bad=skip_bad,
            licence=licence,
            by=by,
        )
    except BadDataset as error:  # the organizer knows the file by another name
        raise BadDataset(
            error.detail.replace(path.name, source.name or "The file"), code=error.code
        ) from error


def images_of(dataset: Dataset, name: str) -> int | str:
    return next((split.images for split in dataset.splits.all() if split.name == name), "–")
