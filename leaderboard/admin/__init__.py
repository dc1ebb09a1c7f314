"""The organizers' panel: forms and buttons, each calling one service. One file to a noun.

Nothing here edits history: submissions, evaluations and entries are shown, and decided upon, but
neither added, changed nor deleted.
"""

# They register what is taken away below.
import allauth.account.admin
import allauth.mfa.admin  # noqa: F401
import django.contrib.auth.admin  # noqa: F401
from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group

from leaderboard.admin import words  # isort: skip

words.give_names()  # before forms are made of the models

from leaderboard.admin import (  # noqa: E402
    competitions,
    datasets,
    evaluations,
    hardware,
    people,
    submissions,
    teams,
)

__all__ = [
    "competitions",
    "datasets",
    "evaluations",
    "hardware",
    "people",
    "submissions",
    "teams",
]

# Addresses are shown with their user; groups and second factors are nobody's to edit here.
for model in (EmailAddress, Authenticator, Group):
    admin.site.unregister(model)
# One door for everybody: with the site's rate limits and its second factor.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
