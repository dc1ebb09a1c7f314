"""`manage.py tidy` and `manage.py first_superuser`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.utils import timezone

from leaderboard.models import AuditEntry, Competition, StoredReport, Submission, Team, User

pytestmark = pytest.mark.django_db


def tidy(capsys: pytest.CaptureFixture[str], *options: str) -> Any:
    call_command("tidy", "--json", *options)
    return json.loads(capsys.readouterr().out)


def test_only_what_nobody_needs_goes(
    team: Team,
    scored: Callable[..., Submission],
    settings: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    submission = scored(team)
    folder = Path(settings.FILES_DIR)
    for path in folder.rglob("*.*"):
        os.utime(path, (0, 0))
    old, young, other = (folder / "models" / name for name in ("a" * 64, "b" * 64, "images.zip"))
    for path in (old, young, other):
        path.write_bytes(b"12345")
    os.utime(old, (0, 0))
    os.utime(other, (0, 0))
    long_ago = timezone.now() - timedelta(days=40)
    Session.objects.create(session_key="old", session_data="", expire_date=long_ago)
    Competition.objects.update(published_at=long_ago)
    assert tidy(capsys) == {"files": 1, "bytes": 5, "reports": 0, "sessions": 1, "terms": []}
    assert not old.exists()
    assert young.exists()
    assert other.exists()
    assert Path(submission.file.path).exists()
    settings.KEEP_REPORTS_DAYS = 41
    assert tidy(capsys)["reports"] == 0
    settings.KEEP_REPORTS_DAYS = 39
    count = StoredReport.objects.count()
    assert tidy(capsys, "--dry-run")["reports"] == count > 0
    assert StoredReport.objects.count() == count
    assert tidy(capsys)["reports"] == count
    assert not StoredReport.objects.exists()
    assert submission.latest_evaluation.state == "scored"


def test_the_first_superuser_is_made_once(
    db: None, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("first_superuser")
    assert not User.objects.exists()
    settings.FIRST_SUPERUSER, settings.FIRST_SUPERUSER_EMAIL = "boss", "boss@example.org"
    settings.FIRST_SUPERUSER_PASSWORD = "12345"
    with pytest.raises(CommandError, match="too short"):
        call_command("first_superuser")
    settings.FIRST_SUPERUSER_PASSWORD = "a-long-passphrase"
    call_command("first_superuser")
    boss = User.objects.get()
    assert boss.is_staff
    assert boss.is_superuser
    assert boss.check_password("a-long-passphrase")
    assert EmailAddress.objects.get(user=boss).verified
    settings.FIRST_SUPERUSER, settings.FIRST_SUPERUSER_PASSWORD = "other", "another-passphrase"
    call_command("first_superuser")
    assert User.objects.get().check_password("a-long-passphrase")
    assert AuditEntry.objects.get().by_name == "console"
    assert "passphrase" not in capsys.readouterr().out
