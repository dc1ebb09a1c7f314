"""The forms of a competition."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from leaderboard import times
from leaderboard.admin import track_rows
from leaderboard.models import Competition
from leaderboard.models.fields import every_format
from scoring.formats import FORMATS


class CompetitionForm(forms.ModelForm):
    # Unfold reads a posted field called "dataset" as one of its own.
    prefix = "competition"

    formats = forms.MultipleChoiceField(
        label=gettext_lazy("Formats of models"),
        choices=[(one.name, one.title) for one in FORMATS],
        initial=every_format,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=gettext_lazy(
            "An upload in another format is refused. After the competition opened, a format can "
            "be added and none removed."
        ),
    )

    tracks = track_rows.TracksField()
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy(
            "All dates of the competition stand in it, and the quota counts per day of it."
        ),
        error_messages={"invalid_choice": gettext_lazy("%(value)s is not a time zone.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = self.fields.get("time_zone")
        if isinstance(zones, forms.ChoiceField):  # whoever may only read has none
            own = {self.instance.time_zone} - set(times.zones())  # of a contest file
            zones.choices = [(one, one) for one in (*sorted(own), *times.zones())]

    class Meta:
        model = Competition
        fields = "__all__"
        widgets = {"mean": UnfoldAdminTextInputWidget, "std": UnfoldAdminTextInputWidget}
        help_texts = {
            "slug": gettext_lazy(
                "Part of the competition's address. Fixed after the competition opened."
            ),
            "tagline": gettext_lazy("One line for the list of competitions."),
            "ends_at": gettext_lazy(
                "In the time zone below. Uploads before this time count. If empty, the "
                "competition ends when you close it."
            ),
            "dataset": gettext_lazy(
                "Fixed after the competition opened, because every score depends on it."
            ),
            "profile": gettext_lazy(
                "The kind of machine that measures every submission. Fixed after the competition "
                "opened."
            ),
            "time_weight": gettext_lazy(
                "score = time weight x time ratio + sigmoid(k x (reference quality - quality)). "
                "Lower is better. The reference has time weight + 0.5. Fixed after the "
                "competition opened."
            ),
            "k": gettext_lazy(
                "How much quality counts. With k = 20, a quality that is 0.05 higher than the "
                "reference lowers the score by 0.23. Fixed after the competition opened, like the "
                "reference quality."
            ),
            "min_quality": gettext_lazy(
                "The lowest quality that gets a rank. Each board applies the gate to the "
                "quality on its own split. A new gate applies as soon as the boards are "
                "prepared: at once, or after minutes if there are very many teams. Scores do "
                "not change, so the formula keeps its version."
            ),
            "input_height": gettext_lazy(
                "Input of a model in RGB, unless its own featherweight.json declares another "
                "input. Fixed after the competition opened, like all of this tab except the "
                "bounds."
            ),
            "min_input_size": gettext_lazy(
                "An upload may declare an input of its own between these bounds, in pixels."
            ),
            "batch_size": gettext_lazy("Images per call while time is measured."),
            "interpolation": gettext_lazy("As in timm, like crop pct and crop mode."),
            "crop_pct": gettext_lazy(
                "Images are scaled to size / crop pct. Then the middle is cut out."
            ),
            "crop_mode": gettext_lazy(
                "center: scaled to cover the input. squash: the aspect ratio is not kept. border: "
                "scaled to fit, and filled with the mean colour."
            ),
            "max_upload_bytes": gettext_lazy("500,000,000 is 500 MB."),
        }


class NewCompetitionForm(CompetitionForm):
    """The first questions. All other settings have first values, and tabs on the next page."""

    formats = tracks = None  # type: ignore[assignment]  # Django's way to leave fields out
