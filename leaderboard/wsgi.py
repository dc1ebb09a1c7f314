"""What gunicorn serves: `gunicorn leaderboard.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

from leaderboard.environment import told_in_a_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leaderboard.settings")
with told_in_a_line(exit_code=4):  # which gunicorn takes for "do not start another worker"
    django_application = get_wsgi_application()

from leaderboard.readable import Readable

application = Readable(django_application)
