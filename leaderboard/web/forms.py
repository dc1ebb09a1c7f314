"""What participants fill in. Rules stand in the services; a form only parses."""

from collections.abc import Collection
from typing import Any, Self

from django import forms
from django.contrib.auth.validators import ASCIIUsernameValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from leaderboard.models import Competition, Evaluation, Scope, User, Webhook
from leaderboard.web import words
from scoring import formats

SUBMISSION_STATES = (*Evaluation.State.values, "withdrawn", "disqualified")
"""States that the list of a team's submissions can be limited to."""
username_validators = [ASCIIUsernameValidator()]
"""The validators of the names of new accounts."""


class TeamForm(forms.Form):
    name = forms.CharField(label=_("Team name"), max_length=60)


class InvitationForm(forms.Form):
    to = forms.CharField(
        label=_("User name or mail address"),
        max_length=254,
        required=False,
        help_text=_(
            "This person gets a notice, or a mail if no account has confirmed the address. Leave "
            "it empty to send the link yourself."
        ),
    )


class WebhookForm(forms.Form):
    address = forms.CharField(
        label=_("Address"), max_length=500, widget=forms.URLInput(attrs={"placeholder": "https://"})
    )
    events = forms.MultipleChoiceField(
        label=_("Events"),
        choices=Webhook.Event.choices,
        initial=Webhook.Event.values,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )


class QuestionForm(forms.Form):
    text = forms.CharField(
        label=_("Your question"), max_length=4_000, widget=forms.Textarea(attrs={"rows": 4})
    )
    may_be_named = forms.BooleanField(
        label=_("If the answer is public, it may show my user name"), required=False
    )


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("Model"),
        allow_empty_file=True,  # the service says what is wrong with it
    )
    note = forms.CharField(
        label=_("Note"),
        max_length=200,
        required=False,
        help_text=_("For your team: what is new in this model."),
    )

    @classmethod
    def taking(cls, taken: Collection[str]) -> Self:
        """An empty form that names these formats and lets browsers offer their files."""
        form = cls()
        file = form.fields["file"]
        file.help_text = gettext("Accepted: {formats}.").format(formats=formats.titles(taken))
        file.widget.attrs["accept"] = ",".join(formats.endings(taken))
        return form


class GatheredForm(forms.Form):
    """The same upload, whose file upload.js has sent in parts before."""

    upload = forms.CharField(max_length=43)
    note = forms.CharField(label=_("Note"), max_length=200, required=False)


class HandInForm(forms.Form):
    """What a winner shows. The service says what is missing or wrong."""

    file = forms.FileField(
        label=_("File"),
        required=False,
        allow_empty_file=True,
        help_text=_("A zip or a PDF, at most 200 MB."),
        widget=forms.ClearableFileInput(attrs={"accept": ".zip,.pdf"}),
    )
    link = forms.CharField(
        label=_("Link of a repository"),
        max_length=500,
        required=False,
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
    )
    note = forms.CharField(label=_("Note to the organizers"), max_length=1000, required=False)


class AnyNumbers(forms.TypedMultipleChoiceField):
    """Numbers of rows; whether there are such rows is the service's question."""

    def valid_value(self, value: str) -> bool:
        return True


class SelectionForm(forms.Form):
    selected = AnyNumbers(
        label=_("Selection"),
        coerce=forms.IntegerField(min_value=1, max_value=2**63 - 1).clean,
        required=False,
        error_messages={"invalid_choice": _("Choose from the list.")},
    )


class FilterForm(forms.Form):
    """What of a team's submissions is listed. The address holds it."""

    def __init__(self, *args: Any, branches: Collection[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        every = ("", gettext("all"))
        states = [(name, words.STATES[name]) for name in SUBMISSION_STATES]
        titles = [(one.name, one.title) for one in formats.some()]
        self.fields["state"] = forms.ChoiceField(
            label=_("State"), required=False, choices=[every, *states]
        )
        self.fields["format"] = forms.ChoiceField(
            label=_("Format"), required=False, choices=[every, *titles]
        )
        if branches:
            self.fields["branch"] = forms.ChoiceField(
                label=_("Branch"),
                required=False,
                choices=[every, *((one, one) for one in branches)],
            )


class NoteForm(forms.Form):
    note = forms.CharField(label=_("Note"), max_length=200, required=False)


class UsernameForm(forms.Form):
    """Asks a person for the own user name, before what cannot be undone."""

    username = forms.CharField(max_length=150, widget=forms.TextInput({"autocomplete": "off"}))

    def __init__(self, *args: Any, username: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = username
        self.fields["username"].label = gettext("Type %(name)s") % {"name": username}

    def clean_username(self) -> str:
        if self.cleaned_data["username"].strip() != self.expected:
            raise forms.ValidationError(gettext("This is not your user name."))
        return self.expected


class DeviceForm(forms.Form):
    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        widget=forms.TextInput(
            attrs={
                "placeholder": "BCDF-GHJK",
                "autocomplete": "off",
                "autocapitalize": "characters",
            }
        ),
    )


class TokenForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("Where you use it, for example GitHub CI.")
    )
    scope = forms.ChoiceField(
        label=_("What the token may do"),
        initial=Scope.SUBMIT,
        choices=[
            (Scope.READ, _("read: see boards, my teams and their submissions")),
            (Scope.SUBMIT, _("submit: read, send models, change notes")),
            (Scope.MANAGE, _("manage: everything that I can do, except making tokens")),
        ],
    )
    days = forms.TypedChoiceField(
        label=_("Expires after"),
        coerce=int,
        initial=90,
        choices=[(7, _("7 days")), (30, _("30 days")), (90, _("90 days")), (365, _("1 year"))],
    )

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = Competition.objects.filter(teams__members=person)
        self.fields["competition"] = forms.ModelChoiceField(
            label=_("For"),
            queryset=mine,
            to_field_name="slug",
            required=False,
            empty_label=_("all my competitions"),
        )
        self.order_fields(["name", "scope", "competition", "days"])
