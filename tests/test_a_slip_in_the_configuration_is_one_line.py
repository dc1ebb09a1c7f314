"""A wrong value in the environment is reported in one line: what it must be, and what it is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent


def start(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run one of our programs with this environment and nothing else."""
    environment = {"PATH": os.environ["PATH"], "SECRET_KEY": "x", "LOG_LEVEL": "ERROR"} | variables
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("LEASE_SECONDS", "abc", "a whole number of at least 3, not 'abc'."),
        ("LEASE_SECONDS", "0", "a whole number of at least 3, not '0'."),
        ("WEBHOOK_NETWORKS", "10.0.0.1/8", "networks like 10.0.0.0/8,fd00::/8, not '10.0.0.1/8'."),
        ("SWEEP_SECONDS", "x", "a number of at least 1, not 'x'."),
        ("SWEEP_SECONDS", "nan", "a number of at least 1, not 'nan'."),
        ("QUEUE_MINUTES", "0", "a whole number of at least 1, not '0'."),
        ("KEEP_REPORTS_DAYS", "x", "a whole number of at least 0, not 'x'."),
        ("ATTENTION", "all", "one of error, warning, none, not 'all'."),
        ("LOG_FORMAT", "xml", "one of plain, json, not 'xml'."),
        ("LONG_POLLS", "-1", "a whole number of at least 0, not '-1'."),
        ("ALLOW_WEAK_SANDBOX", "true", "0 or 1, not 'true'."),
        ("TRUSTED_PROXIES", "one", "a whole number of at least 0, not 'one'."),
        ("LOG_LEVEL", "foo", "DEBUG, INFO, WARNING, ERROR or CRITICAL, not 'foo'."),
        ("DATABASE_URL", "garbage", "an address like postgresql://user:password@host/name."),
        ("DATABASE_URL", "mysql://host/name", "an address like postgresql://user:password@host/na"),
        ("REDIS_URL", "garbage", "an address like redis://host:6379/0."),
        ("REDIS_URL", "redis://host:port", "an address like redis://host:6379/0."),
        ("EMAIL_URL", "smtp", "an address like smtp+tls://user:password@host:587."),
        ("SITE_URL", "example.org", "an address like https://example.org."),
        ("S3_BUCKET", "A B", "the name of a bucket, like featherweight-files, not 'A B'."),
        ("S3_ENDPOINT", "s3.example.org", "an address like https://s3.example.org."),
        ("S3_CACHE_BYTES", "0", "a whole number of at least 1048576, not '0'."),
    ],
)
def test_a_wrong_value(name: str, value: str, sentence: str) -> None:
    done = start(sys.executable, "manage.py", "check", **{name: value})
    assert done.returncode == 2
    assert done.stderr.startswith(f"{name} must be {sentence}")
    assert done.stderr.count("\n") == 1


def test_a_key_is_required_and_an_empty_one_is_none() -> None:
    done = start(sys.executable, "manage.py", "check", SECRET_KEY="")
    assert (done.returncode, done.stderr) == (
        2,
        "SECRET_KEY must be set; docs/configuration.md says to what.\n",
    )


def test_a_half_of_a_bucket_is_none() -> None:
    whole = {
        "S3_BUCKET": "files",
        "S3_ENDPOINT": "https://s3.example.org",
        "S3_ACCESS_KEY": "a",
        "S3_SECRET_KEY": "b",
    }
    assert start(sys.executable, "manage.py", "check", **whole).returncode == 0
    for name in whole:
        done = start(sys.executable, "manage.py", "check", **whole | {name: ""})
        assert (done.returncode, done.stderr.partition(" ")[0]) == (2, name)
    done = start(sys.executable, "manage.py", "check", **whole | {"S3_ENDPOINT": "https://a.b/c"})
    assert "S3_ENDPOINT must be an address without a path" in done.stderr


def test_a_secret_whose_file_is_not_there() -> None:
    done = start(sys.executable, "manage.py", "check", SECRET_KEY_FILE="/nowhere")
    assert done.returncode == 2
    assert done.stderr.startswith("SECRET_KEY_FILE cannot be read: ")


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    names = ["ALLOWED_HOSTS", "LEASE_SECONDS", "DATABASE_URL", "REDIS_URL", "EMAIL_URL", "SITE_URL"]
    shown = "from django.conf import settings as s; print(s.ALLOWED_HOSTS, s.LEASE, s.SITE_URL)"
    done = start(
        sys.executable, "manage.py", "shell", "-v0", "-c", shown, **dict.fromkeys(names, "")
    )
    assert done.stdout == (
        "['127.0.0.1', 'localhost', '127.0.0.1'] 0:01:00 http://127.0.0.1:8000\n"
    ), done.stderr


@pytest.mark.parametrize(
    "command",
    [
        [BIN / "gunicorn", "leaderboard.wsgi", "--bind=127.0.0.1:0", "--no-control-socket"],
        [BIN / "celery", "-A", "leaderboard", "worker"],
    ],
    ids=["gunicorn", "celery"],
)
def test_the_servers_say_it_as_well_and_end(command: list[str]) -> None:
    done = start(*command, LEASE_SECONDS="abc")
    assert done.returncode != 0
    assert "LEASE_SECONDS must be a whole number of at least 3, not 'abc'.\n" in done.stderr
    assert "Traceback" not in done.stderr
