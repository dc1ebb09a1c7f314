"""Update and compile every catalogue; with the code of a language, begin one: `... ko`."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leaderboard.settings")
django.setup()

from leaderboard.locale import catalogues  # noqa: E402  it reads the schema of the API

for code in {*catalogues.languages(), *sys.argv[1:]}:
    print(catalogues.refresh(code))
