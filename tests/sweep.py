"""Whether tests of very many inputs try all of them. `make test` tries a sample.

`make sweep` sets SWEEP to the number of generated requests for each call and each person.
"""

from __future__ import annotations

import os

EXAMPLES = int(os.environ.get("SWEEP", "0"))
IS_WHOLE = EXAMPLES > 0
