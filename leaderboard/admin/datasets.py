"""Datasets: imported from a zip by a form, then only looked at. Nothing hidden is a download."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
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
from leaderboard.errors import BadDataset, NotFound
from leaderboard.models import Dataset, Split, User
from leaderboard.services import datasets, divisions, staging

SHOWN = 50
DECIDE = "leaderboard_dataset_decide"


def share_field(split: str, help_text: str) -> forms.FloatField:
    return forms.FloatField(
        label=f"Share of the {split} split",
        required=False,
        min_value=0,
        max_value=1,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
        help_text=help_text,
    )


def tick(label: str, help_text: str) -> forms.BooleanField:
    return forms.BooleanField(
        label=label, required=False, widget=UnfoldBooleanWidget, help_text=help_text
    )


class DataForm(forms.Form):
    name = forms.CharField(max_length=120, widget=UnfoldAdminTextInputWidget)
    licence = forms.CharField(
        max_length=200,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Shown beside the sample.",
    )
    table = forms.CharField(
        label="Table of labels",
        max_length=500,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Its name in the zip, where several tables name images; `folders`: none. Empty: "
        "found.",
    )
    encoding = forms.CharField(
        label="Encoding of names",
        max_length=40,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Of names that do not say theirs, like cp949, cp932 or gbk. Empty: found.",
    )


class UploadForm(DataForm):
    source = forms.FileField(
        label="Zip of images",
        widget=UnfoldAdminFileFieldWidget,
        help_text="Class folders with images; or sample/, public/ and private/ with class folders; "
        "or images beside a table labels.csv with the columns file,label.",
    )
    field_order = ["source"]


class DecideForm(DataForm):
    sample = share_field("sample", "Given to the teams. All empty: 0.6, 0.2 and 0.2.")
    public = share_field("public", "Hidden; its F1 counts on the public board.")
    private = share_field("private", "Hidden; its F1 counts on the private board.")
    seed = forms.IntegerField(
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="The same seed divides the same images in the same way on this site. Tell "
        "nobody. Empty: drawn and forgotten.",
    )
    skip_broken = tick(
        "Leave out files that cannot be used",
        "They are listed with the dataset. Otherwise such a file stops the import.",
    )
    drop_conflicts = tick(
        "Leave out pictures that are there under two classes",
        "All copies of such a picture. Otherwise they stop the import.",
    )
    near_apart = tick(
        "Divide nearly equal pictures like others",
        "For pictures of a fixed camera, which are alike though of different things. Otherwise "
        "they stay together in one split.",
    )
    allow_overlaps = tick(
        "Allow a picture in two given splits",
        "Only for zips with sample/, public/ and private/. Otherwise that stops the import.",
    )
    allow_seen = tick(
        "Allow pictures that another dataset shows or hides",
        "Who has that dataset's sample knows hidden pictures. Otherwise that stops the import.",
    )

    def clean(self) -> dict[str, Any]:
        given = [self.cleaned_data.get(split) for split in divisions.SHARES]
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

    def get_urls(self) -> list[URLPattern]:
        decide = self.admin_site.admin_view(self.decide_view)
        return [path("add/<str:token>/", decide, name=DECIDE), *super().get_urls()]

    @pages.takes_files
    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        staging.sweep()
        return pages.ask(
            self,
            request,
            None,
            title="Import a dataset",
            says="Every image is read, and a report says what is found. Nothing is imported yet. "
            "The page answers when all are read, which can take minutes; for sets too large for "
            "a browser there is the command manage.py import_dataset.",
            form_class=UploadForm,
            button="Read the images",
            do=lambda **fields: staged(**fields, by=pages.organizer(request)),
            done="",
        )

    def decide_view(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            upload = staging.find(token, by=pages.organizer(request))
        except NotFound as refusal:
            messages.error(request, refusal.detail)
            return redirect("admin:leaderboard_dataset_add")
        texts = {name: getattr(upload, name) for name in ("name", "licence", "table", "encoding")}
        return pages.ask(
            self,
            request,
            None,
            title=f"Import {upload.name}",
            says="This is what the upload holds, and what an import would make of it. Nothing is "
            f"imported yet; the upload is kept for a day. {upload.file_name}",
            form_class=partial(DecideForm, initial=texts),
            facts=lambda form: reported(upload, form),
            button="Import",
            look="Show the report with these choices",
            do=lambda **fields: imported(upload, **fields, by=pages.organizer(request)),
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


def staged(
    *,
    source: TemporaryUploadedFile,
    name: str,
    licence: str,
    table: str,
    encoding: str,
    by: User,
) -> str:
    """Keep and read an upload; the address of the page that reports it."""
    upload = staging.keep(
        Path(source.temporary_file_path()),
        file_name=source.name or "The file",
        name=name,
        licence=licence,
        encoding=encoding or None,
        table=table or None,
        by=by,
    )
    return reverse(f"admin:{DECIDE}", args=[upload.token])


def reported(upload: staging.Staged, form: forms.Form) -> pages.Figures:
    """The report by the form's choices, or by none while it is not filled in."""
    choices = form.cleaned_data if form.is_bound and form.is_valid() else {}
    try:
        if choices:
            upload = staging.read_again(
                upload, encoding=choices["encoding"] or None, table=choices["table"] or None
            )
        made = divisions.planned(upload.catalogue, wishes(upload, **choices), upload.kinship)
    except BadDataset as refusal:
        return [("In the way", refusal.detail)]
    return [*(("In the way", one.message) for one in made.report.refusals), *made.report.lines()]


def imported(
    upload: staging.Staged,
    *,
    name: str,
    licence: str,
    table: str,
    encoding: str,
    by: User,
    **choices: Any,
) -> Dataset:
    """Import an upload as its organizer decided, and keep it no longer."""
    upload = staging.read_again(upload, encoding=encoding or None, table=table or None)
    dataset = datasets.import_(
        name=name,
        source=upload.source,
        wishes=wishes(upload, **choices),
        licence=licence,
        catalogue=upload.catalogue,
        kin=upload.kinship,
        by=by,
    )
    staging.forget(upload)
    return dataset


def wishes(
    upload: staging.Staged,
    *,
    sample: float | None = None,
    public: float | None = None,
    private: float | None = None,
    seed: int | None = None,
    skip_broken: bool = False,
    drop_conflicts: bool = False,
    near_apart: bool = False,
    allow_overlaps: bool = False,
    allow_seen: bool = False,
    **texts: str,
) -> divisions.Wishes:
    """The form's fields as the service wants them."""
    return divisions.Wishes(
        seed=upload.seed if seed is None else seed,
        shares=None
        if sample is None or public is None or private is None
        else {"sample": sample, "public": public, "private": private},
        skip_broken=skip_broken,
        drop_conflicts=drop_conflicts,
        near_apart=near_apart,
        allow_overlaps=allow_overlaps,
        allow_seen=allow_seen,
    )


def images_of(dataset: Dataset, name: str) -> int | str:
    return next((split.images for split in dataset.splits.all() if split.name == name), "–")
