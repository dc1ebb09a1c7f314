"""Update and compile every catalogue; with the code of a language, begin one: `... ko`."""

import sys

from leaderboard.locale import catalogues

for code in {*catalogues.languages(), *sys.argv[1:]}:
    print(catalogues.refresh(code))
