"""The organizers' panel: forms and buttons. Each calls one service; each noun has one file.

The panel never edits history. It shows submissions, evaluations and entries, and takes decisions
about them. It does not add, change or delete them.
"""

# These modules register models that are unregistered below.
import allauth.account.admin
import allauth.mfa.admin
import allauth.socialaccount.admin
import allauth.usersessions.admin  # noqa: F401
import django.contrib.auth.admin  # noqa: F401
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.models import Group
from unfold.fields import UnfoldAdminReadonlyField

from leaderboard.admin import words  # isort: skip

words.give_names()  # before forms are made of the models

from leaderboard.admin import (  # noqa: E402
    announcements,
    applications,
    audit,
    bans,
    competitions,
    datasets,
    declarations,
    evaluations,
    guests,
    hardware,
    people,
    questions,
    rescores,
    rights,
    roles,
    submissions,
    teams,
    verifications,
    workers,
)

__all__ = [
    "announcements",
    "applications",
    "audit",
    "bans",
    "competitions",
    "datasets",
    "declarations",
    "evaluations",
    "guests",
    "hardware",
    "people",
    "questions",
    "rescores",
    "roles",
    "submissions",
    "teams",
    "verifications",
    "workers",
]

# E-mail addresses are shown with their user. Nobody edits groups, sessions, second factors and
# accounts of other sites here.
OTHERS = (Authenticator, Group, SocialAccount, SocialApp, SocialToken, UserSession)
for model in (EmailAddress, *OTHERS):
    admin.site.unregister(model)
admin.site.has_permission = rights.enters  # type: ignore[method-assign]
admin.site.login = rights.sign_in  # type: ignore[method-assign]
admin.site.password_change = rights.change_password  # type: ignore[method-assign,assignment]
UnfoldAdminReadonlyField.get_admin_url = rights.readable
