"""docker-compose.yml, read as far as that goes without a container engine."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from celery.bin.base import CLIContext
from celery.bin.worker import worker as celery_worker
from django.core.management import get_commands
from gunicorn.app.wsgiapp import WSGIApplication

from leaderboard import checks
from leaderboard.celery import app

ROOT = Path(__file__).parent.parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ["web", "uploads", "migrate", "worker", "worker-gpu", "beat", "post"]
# Variables of the compose file that the engine or Python itself reads.
READ_ELSEWHERE = {"TMPDIR", "FEATHERWEIGHT_IMAGE"}

each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)


@each_service
def test_nobody_is_root_or_can_become_it(service: dict[str, Any]) -> None:
    assert service["user"].partition(":")[0] not in ("", "0", "root")
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert "privileged" not in service
    assert "cap_add" not in service


@each_service
def test_everybody_has_limits_and_no_way_to_the_engine(service: dict[str, Any]) -> None:
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert "docker.sock" not in str(service)
    mounted = {volume.partition(":")[0] for volume in service.get("volumes", [])}
    assert mounted <= set(COMPOSE["volumes"])  # no folder of the host


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"migrate"}))
def test_whoever_stays_has_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


def test_only_the_front_is_reachable_and_only_from_this_machine() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["front"]
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["front"]["ports"])
    assert "inside" not in SERVICES["front"]["networks"]


def test_what_is_sent_waits_on_volumes_of_its_own() -> None:
    for name in ("web", "uploads", "beat"):
        assert SERVICES[name]["environment"]["TMPDIR"] == "/data/spool"
        assert "spool:/data/spool" in SERVICES[name]["volumes"]
    holders = {"front": {"front", "migrate"}, "spool": {"web", "uploads", "beat", "migrate"}}
    for volume, names in holders.items():
        mounting = {
            name
            for name, service in SERVICES.items()
            if any(one.startswith(f"{volume}:") for one in service.get("volumes", []))
        }
        assert mounting == names


def test_what_runs_models_cannot_write_files_nor_be_the_sites_role() -> None:
    for name in ("worker", "worker-gpu"):
        assert SERVICES[name]["volumes"] == ["files:/data/files:ro", "cache:/data/cache"]
        assert "${S3_ACCESS_KEY" not in str(SERVICES[name])
        assert SERVICES[name]["environment"]["DATABASE_URL"].startswith("postgresql://worker:")
        assert "POSTGRES_PASSWORD" not in str(SERVICES[name])
    assert "grant_worker" in str(SERVICES["migrate"]["command"])


def test_the_broker_asks_for_a_password() -> None:
    valkey = SERVICES["valkey"]
    assert valkey["command"][-2:] == ["--requirepass", "${VALKEY_PASSWORD:?set it in .env}"]
    assert all("${VALKEY_PASSWORD" in SERVICES[one]["environment"]["REDIS_URL"] for one in OURS)


def test_every_image_can_be_pinned_by_its_digest() -> None:
    for name, service in SERVICES.items():
        variable = re.fullmatch(r"\$\{(\w+_IMAGE):-([\w./-]+:[\w.-]+)\}", service["image"])
        assert variable, name
        assert variable[2].rpartition(":")[2] != "latest"
    built_on = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert set(built_on) == {"${PYTHON_IMAGE}"}


def test_a_check_names_the_images_that_are_not_pinned(settings: Any) -> None:
    names = COMPOSE["x-environment"]["OTHER_IMAGES"]
    pinned = f"nginx@sha256:{'0' * 64}"
    settings.OTHER_IMAGES = [*words([names])[0].split(","), pinned]
    [warning] = checks.images_are_pinned()
    assert "postgres:18, valkey/valkey:9, nginx:1.28, python:3.11-slim." in warning.msg
    assert pinned not in warning.msg
    settings.OTHER_IMAGES = [pinned]
    assert checks.images_are_pinned() == []


def test_codes_of_invitations_are_in_no_access_log_of_the_site() -> None:
    for name in ("web", "uploads"):
        assert not [word for word in SERVICES[name]["command"] if "access-log" in word]


def test_every_thread_may_keep_its_connection() -> None:
    settings = " ".join(SERVICES["postgres"]["command"])
    most = int(re.search(r"max_connections=(\d+)", settings)[1])
    threads = 0
    for name in ("web", "uploads"):
        command = " ".join(words(SERVICES[name]["command"]))
        count = [int(re.search(rf"--{what}=(\d+)", command)[1]) for what in ("workers", "threads")]
        threads += count[0] * count[1]
    assert threads < most / 2  # workers, beat and people at a console have theirs, too


def test_the_databases_own_cache_fits_into_its_memory() -> None:
    postgres = SERVICES["postgres"]
    told = dict(word.split("=") for word in words(postgres["command"]) if "=" in word)
    most = in_bytes(words([postgres["mem_limit"]])[0])
    assert in_bytes(told["shared_buffers"]) <= most / 4
    assert in_bytes(told["effective_cache_size"]) <= most
    assert in_bytes(postgres["shm_size"]) <= most


def in_bytes(size: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([kmg])b?", size.lower()).groups()
    return int(number) << {"k": 10, "m": 20, "g": 30}[unit]


@pytest.mark.parametrize("name", ["worker", "worker-gpu", "beat", "postgres", "valkey"])
def test_what_runs_models_or_holds_data_cannot_reach_the_world(name: str) -> None:
    assert SERVICES[name]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"]["internal"] is True


def test_what_sends_mail_has_a_way_out_and_no_door() -> None:
    assert SERVICES["post"]["networks"] == ["inside", "outside"]
    assert "ports" not in SERVICES["post"]


@pytest.mark.parametrize("name", ["worker", "worker-gpu"])
def test_what_runs_models_is_shut_in_itself(name: str) -> None:
    worker = SERVICES[name]
    assert "ALLOW_WEAK_SANDBOX" not in str(COMPOSE)
    assert worker["tmpfs"] == ["/tmp"]  # noqa: S108
    assert not {"pid", "ipc", "userns_mode", "network_mode", "devices"} & set(worker)
    assert not [one for one in worker["security_opt"] if "unconfined" in one]


OPTIONAL = {
    "FIRST_SUPERUSER_PASSWORD",  # empty: no superuser is made
    "GITHUB_CLIENT_SECRET",  # empty: this way to sign in is off
    "GOOGLE_CLIENT_SECRET",
    "S3_SECRET_KEY",  # empty: files lie on this machine
    "S3_WORKER_SECRET_KEY",
}


def test_secrets_have_no_defaults() -> None:
    secrets = re.findall(r"\$\{(\w*(?:SECRET|PASSWORD)\w*)([^}]*)\}", str(COMPOSE))
    assert {name for name, _ in secrets} == {
        "SECRET_KEY",
        "POSTGRES_PASSWORD",
        "VALKEY_PASSWORD",
        "WORKER_PASSWORD",
        *OPTIONAL,
    }
    for name, rest in secrets:
        assert rest == ":-" if name in OPTIONAL else rest.startswith(":?"), name


def test_the_settings_read_every_name_that_is_set() -> None:
    rooms = [ROOT / "leaderboard" / name for name in ("settings.py", "storage.py")]
    settings = "".join(room.read_text() for room in rooms)
    read = set(re.findall(r"env\.\w+\(\s*\"(\w+)\"", settings))
    told = {name for service in OURS for name in SERVICES[service]["environment"]}
    assert told - READ_ELSEWHERE <= read


def test_the_example_has_every_variable_and_no_other() -> None:
    more = ("docs/front/tls.yml", "docs/metrics/compose.yml")
    files = [ROOT / "docker-compose.yml", *(ROOT / one for one in more)]
    used = set(re.findall(r"\$\{(\w+)", "".join(path.read_text() for path in files)))
    example = (ROOT / ".env.example").read_text()
    assert used == set(re.findall(r"^(\w+)=", example, re.MULTILINE))


@pytest.mark.parametrize(("name", "threads"), [("web", 8), ("uploads", 2)])
def test_the_web_commands_parse(monkeypatch: pytest.MonkeyPatch, name: str, threads: int) -> None:
    command = words(SERVICES[name]["command"])
    program, *arguments = command[command.index("gunicorn") :]
    monkeypatch.setattr("sys.argv", [program, *arguments])
    application = WSGIApplication()
    assert application.app_uri == "leaderboard.wsgi"
    assert application.cfg.threads == threads


@pytest.mark.parametrize(
    ("name", "queue"),
    [("worker", "cpu"), ("worker-gpu", "gpu"), ("beat", "site"), ("post", "post")],
)
def test_the_worker_commands_parse(name: str, queue: str) -> None:
    assert words(SERVICES[name]["command"])[:4] == ["celery", "-A", "leaderboard", "worker"]
    arguments = words(SERVICES[name]["command"])[4:]
    command_line = CLIContext(app=app, no_color=True, workdir=None)
    options = celery_worker.make_context("worker", arguments, obj=command_line).params
    assert options["queues"] == [queue]
    assert options["concurrency"] == 1
    assert bool(options["beat"]) == (name == "beat")


def test_the_migration_is_made_of_commands_of_the_site() -> None:
    *_, line = SERVICES["migrate"]["command"]
    commands = re.findall(r"python manage\.py (\w+)", line)
    assert commands == ["migrate", "grant_worker", "first_superuser"]
    assert set(commands) <= set(get_commands())


@pytest.mark.skipif(not shutil.which("docker"), reason="no docker client")
def test_the_client_accepts_it(tmp_path: Path) -> None:
    if subprocess.run(["docker", "compose", "version"], capture_output=True).returncode != 0:
        pytest.skip("the docker client has no compose")
    example = (ROOT / ".env.example").read_text()
    (tmp_path / "env").write_text(re.sub(r"=$", "=x", example, flags=re.MULTILINE))
    command = ["docker", "compose", "--env-file", str(tmp_path / "env"), "--profile", "gpu"]
    subprocess.run([*command, "config", "--quiet"], cwd=ROOT, check=True)


def words(command: list[str]) -> list[str]:
    """A command with the defaults of its variables in place, as the container would get it."""
    return [re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", word) for word in command]
