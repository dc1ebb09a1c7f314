"""What gunicorn serves: `gunicorn leaderboard.wsgi`."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from leaderboard.environment import told_in_a_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leaderboard.settings")
with told_in_a_line(exit_code=4):  # which gunicorn takes for "do not start another worker"
    django_application = get_wsgi_application()

from leaderboard.readable import Readable

application = Readable(django_application)

# All that stays for the life of the process is set apart, so that no collection walks through it
# while somebody waits. The addresses, which import every view, are among it.
get_resolver().url_patterns  # noqa: B018
gc.collect()
gc.freeze()
