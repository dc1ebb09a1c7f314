"""Sentences of django-allauth whose translation our catalogues replace."""

from django.utils.translation import gettext_noop

SENTENCES = (gettext_noop("Started At"), gettext_noop("Enter your password:"))
