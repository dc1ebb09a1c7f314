"""The participant's command: check a model, send it, follow it, read the boards.

It needs no server parts, and of the engine only its static gate: no PyTorch, no NumPy.
"""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from scoring.errors import Rejected
from scoring.formats import checking
from scoring.job import InputBounds, InputSpec

EXIT_CODES = (
    "Exit codes: 0 done; 1 the file would be refused, the submission failed, or its score was not "
    "reached; 2 wrong usage; 3 the server refused; 4 the server cannot be reached."
)
FAILED, WRONG_USAGE, REFUSED, UNREACHABLE = 1, 2, 3, 4
FINISHED = {"scored", "failed", "error", "cancelled"}
PATIENCE_SECONDS = 120
"""How long a server may be away while a submission is followed."""

app = typer.Typer(
    help=f"Submit models to a Featherweight competition.\n\n{EXIT_CODES}",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console()
err = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print the server's answer as JSON.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until it is scored or failed.")]
MaxScore = Annotated[
    float | None,
    typer.Option(
        "--max-score", help="Wait, and exit with 1 if the score is above; lower is better."
    ),
]
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
Slug = Annotated[str, typer.Argument(metavar="COMPETITION", help="As `competitions` lists it.")]
Url = Annotated[str, typer.Option(prompt="Address of the server", envvar="FEATHERWEIGHT_URL")]
Token = Annotated[
    str,
    typer.Option(prompt="Token", hide_input=True, envvar="FEATHERWEIGHT_TOKEN", show_envvar=False),
]


LOGIN = "Sign in first: featherweight login, or set FEATHERWEIGHT_TOKEN to a token of your profile."


class Trouble(Exception):
    """The end of a command, with a sentence for people and an exit code for scripts."""

    def __init__(self, exit_code: int, detail: str, code: str = "") -> None:
        super().__init__(detail)
        self.exit_code, self.detail, self.code = exit_code, detail, code


def main() -> NoReturn:
    try:
        app()
    except Trouble as trouble:
        if "--json" in sys.argv:
            print(json.dumps({"code": trouble.code, "detail": trouble.detail}))
        err.print(plain(f"error: {trouble.detail}"), style="red", soft_wrap=True)
        sys.exit(trouble.exit_code)
    except OSError as error:
        err.print(plain(f"error: {error}"), style="red", soft_wrap=True)
        sys.exit(WRONG_USAGE)
    sys.exit(0)


@app.command(epilog=EXIT_CODES)
def login(url: Url, token: Token, as_json: AsJson = False) -> None:
    """Check a token and keep it, with the server's address, in a file only you can read.

    In CI set FEATHERWEIGHT_URL and FEATHERWEIGHT_TOKEN instead.
    """
    account = Account(url.strip().rstrip("/"), token.strip())
    with connected(account) as server:
        me = server.ask("GET", "me")
    account.keep()
    show(as_json, me, f"Logged in as {me['username']}; kept in {config_path()}.")


@app.command(epilog=EXIT_CODES)
def competitions(as_json: AsJson = False) -> None:
    """List the competitions."""
    with connected() as server:
        found = server.ask("GET", "competitions", params={"limit": 1000})["results"]
    table = Table("competition", "title", "state", "ends")
    for one in found:
        table.add_row(*map(plain, (one["slug"], one["title"], one["state"], one["ends_at"] or "-")))
    show(as_json, found, table)


@app.command(epilog=EXIT_CODES)
def check(
    file: File,
    competition: Annotated[
        str | None,
        typer.Option(
            "--competition", "-c", metavar="COMPETITION", help="Apply its sizes and limits, too."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what the server would say of a model file, without sending or running it.

    Notes name what may make it fail in an evaluation. To run it as an evaluation's dry run does:
    python -m scoring try FILE --data SAMPLE.zip.
    """
    rules: dict[str, Any] = {}
    if competition is not None:
        with connected() as server:
            rules = rules_of(server.ask("GET", f"competitions/{competition}"), file)
    try:
        checked = checking.check(file, **rules)
    except Rejected as rejected:
        raise Trouble(FAILED, f"{rejected.message} [{rejected.code}]", rejected.code) from rejected
    show(as_json, checked.to_json(), lines(checking.table(checked)))


@app.command(epilog=EXIT_CODES)
def submit(
    file: File,
    competition: Annotated[str, typer.Option("--competition", "-c", metavar="COMPETITION")],
    note: Annotated[str, typer.Option(help="For you and your team.")] = "",
    wait: Wait = False,
    max_score: MaxScore = None,
    as_json: AsJson = False,
) -> None:
    """Upload a TorchScript model. The same model again is no new submission and costs nothing."""
    with connected() as server:
        submission = upload(server, file, competition, note)
        if not submission["is_new"]:
            err.print("Your team sent this model before; this is that submission.")
        finish(server, submission, wait=wait, max_score=max_score, as_json=as_json)


@app.command(epilog=EXIT_CODES)
def status(
    submission_id: Annotated[int, typer.Argument(metavar="ID", min=1)],
    wait: Wait = False,
    max_score: MaxScore = None,
    as_json: AsJson = False,
) -> None:
    """Show a submission of your team."""
    with connected() as server:
        submission = server.ask("GET", f"submissions/{submission_id}")
        finish(server, submission, wait=wait, max_score=max_score, as_json=as_json)


@app.command(epilog=EXIT_CODES)
def board(
    competition: Slug,
    private: Annotated[bool, typer.Option("--private", help="The final ranking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a competition's board, the leader first."""
    name = "private" if private else "public"
    with connected() as server:
        page = server.ask(
            "GET", f"competitions/{competition}/boards/{name}", params={"limit": 1000}
        )
    table = Table(
        "rank", "team", "score", "quality", "time ratio", "", title=f"{competition}, {name}"
    )
    for row in page["results"]:
        table.add_row(
            str(row["rank"] or "-"),
            plain(row["team"]),
            f"{row['score']:.4f} ± {row['score_half_width']:.4f}",
            f"{row['quality']:.4f}",
            f"{row['time_ratio']:.3f} ± {row['half_width'] or 0:.3f}",
            "tied" if row["tied"] else "",
        )
    if baseline := page["baseline"]:
        score = f"{baseline['score']:.4f} ± {baseline['score_half_width']:.4f}"
        ratio = f"{baseline['time_ratio']:.3f} ± {baseline['half_width']:.3f}"
        figures = score, f"{baseline['quality']:.4f}", ratio, "reference"
        table.add_row("", plain(baseline["name"]), *figures, style="dim")
    show(as_json, page, table)


# Models


def rules_of(competition: dict[str, Any], file: Path) -> dict[str, Any]:
    """What a competition asks of a file. Raises `Trouble` (too_large)."""
    most, size = competition["limits"]["max_upload_bytes"], file.stat().st_size
    if size > most:
        raise Trouble(
            FAILED,
            f"The file has {size / 1e6:.1f} MB; this competition accepts {most / 1e6:g} MB. "
            "[too_large]",
            "too_large",
        )
    given = dict(competition["input"])
    bounds = InputBounds(min_size=given.pop("min_size"), max_size=given.pop("max_size"))
    try:
        default = InputSpec.from_json(given)
    except ValueError as error:
        raise Trouble(
            REFUSED, f"Install this command anew; the server is newer: {error}"
        ) from error
    hardware = competition["hardware"] or {}
    return {"default": default, "bounds": bounds, "device": hardware.get("device", "cpu")}


# Submissions


def upload(server: Server, file: Path, competition: str, note: str) -> dict[str, Any]:
    key = str(uuid.uuid4())  # so that a second try cannot become a second submission
    columns = "uploading", BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with (
        file.open("rb") as source,
        Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress,
    ):
        watched = progress.wrap_file(source, file.stat().st_size)
        answer: dict[str, Any] = server.ask(
            "POST",
            f"competitions/{competition}/submissions",
            files={"file": (file.name, watched, "application/octet-stream")},
            data={"note": note},
            headers={"Idempotency-Key": key},
            timeout=httpx.Timeout(60, read=600),
        )
    return answer


def finish(
    server: Server,
    submission: dict[str, Any],
    *,
    wait: bool,
    max_score: float | None,
    as_json: bool,
) -> None:
    """Show a submission, if asked after its end, and say by the exit code how it went."""
    if wait or max_score is not None:
        submission = follow(server, submission)
    show(as_json, submission, plain(words(submission)))
    state = submission["state"]
    if state == "failed" and not as_json:
        show_dry_run(submission["dry_run"])
        if command := submission["failure"].get("command"):
            out.print(plain(f"The same at home: {command}"), soft_wrap=True, markup=False)
    if state in FINISHED and state != "scored":
        raise typer.Exit(FAILED)
    if max_score is not None and submission["score"]["score"] > max_score:
        score, half_width = submission["score"]["score"], submission["score"]["half_width"]
        err.print(f"The score {score:.4f} ± {half_width:.4f} is above {max_score:g}.")
        raise typer.Exit(FAILED)


def follow(server: Server, submission: dict[str, Any]) -> dict[str, Any]:
    """Ask until the submission is finished; a server that is away for a moment is forgiven."""
    seconds = 1 if err.is_terminal else 30
    heard_at = time.monotonic()
    with err.status(plain(words(submission))) as line:
        while submission["state"] not in FINISHED:
            asked_at = time.monotonic()
            try:
                submission = server.ask(
                    "GET", f"submissions/{submission['id']}", params={"wait": seconds}
                )
                heard_at = time.monotonic()
            except Trouble as trouble:
                away = time.monotonic() - heard_at
                if trouble.exit_code != UNREACHABLE or away > PATIENCE_SECONDS:
                    raise
            line.update(plain(words(submission)))
            time.sleep(max(0.0, 1 - (time.monotonic() - asked_at)))
    return submission


def words(submission: dict[str, Any]) -> str:
    """Where a submission stands, in a line."""
    number, state = f"#{submission['id']}", submission["state"]
    if state == "queued":
        place = submission["queue"]
        wait = place["wait_seconds"]
        about = f", about {wait / 60:.0f} min" if wait else ""
        held = ", no machine is fit to measure just now" if place["is_held"] else ""
        return f"{number} queued: {place['position']} of {place['length']}{about}{held}"
    if state == "running":
        left = submission["remaining_seconds"]
        to_go = "" if left is None else f", about {left:.0f} s to go"
        return f"{number} {submission['doing']}: {submission['percent']:.0f} %{to_go}"
    if state == "failed":
        return (
            f"{number} failed ({submission['failure']['code']}): {submission['failure']['message']}"
        )
    if state == "scored":
        score = submission["score"]
        return (
            f"{number} scored {score['score']:.4f} ± {score['half_width']:.4f} = "
            f"{score['terms']['time']:.4f} for time (ratio {submission['time_ratio']:.3f} ± "
            f"{submission['half_width']:.3f}) + "
            f"{score['terms']['quality']:.4f} for quality (F1 {submission['quality']:.4f})"
        )
    return f"{number} {submission['error'] or state}"


def show_dry_run(tried: dict[str, Any] | None) -> None:
    """What the model said on images of the sample; nothing is kept of what it says elsewhere."""
    if not tried or not tried["output"]:
        return
    out.print(f"On {tried['images']} images of the sample it said:", soft_wrap=True, markup=False)
    for line in tried["output"].splitlines():
        out.print(plain(f"  {line}"), soft_wrap=True, markup=False)
    if tried["is_cut"]:
        out.print("  (and more, which is not kept)")


# The server


@dataclass(frozen=True)
class Account:
    url: str
    token: str

    @classmethod
    def found(cls) -> Account:
        """From the environment, else from the file that `login` wrote."""
        path = config_path()
        kept = json.loads(path.read_text()) if path.exists() else {}
        url = os.environ.get("FEATHERWEIGHT_URL", kept.get("url", "")).rstrip("/")
        # A token is for one server: it is never sent to another address from the environment.
        own = kept.get("token", "") if url == kept.get("url") else ""
        account = cls(url, os.environ.get("FEATHERWEIGHT_TOKEN", own))
        if not account.url:
            raise Trouble(
                WRONG_USAGE,
                "Which server? Run `featherweight login`, or set FEATHERWEIGHT_URL and "
                "FEATHERWEIGHT_TOKEN.",
            )
        return account

    def keep(self) -> None:
        path = config_path()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump({"url": self.url, "token": self.token}, file)


@dataclass(frozen=True)
class Server:
    client: httpx.Client

    def ask(self, method: str, path: str, **request: Any) -> Any:
        """The JSON of an answer. Raises `Trouble` for a refusal or when there is none."""
        try:
            answer = self.client.request(method, path, **request)
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise Trouble(WRONG_USAGE, f"{self.client.base_url}: {error}", "bad_address") from error
        except httpx.TransportError as error:
            raise Trouble(
                UNREACHABLE,
                f"{self.client.base_url.host} cannot be reached: {error}",
                "unreachable",
            ) from error
        try:
            body = answer.json()
        except ValueError:
            body = None
        if answer.is_success and body is not None:
            return body
        exit_code = UNREACHABLE if answer.status_code in (502, 503, 504) else REFUSED
        if not isinstance(body, dict) or "code" not in body:
            raise Trouble(
                exit_code,
                f"{answer.url} answered {answer.status_code}, not as Featherweight does; "
                "is the address right?",
                "unexpected_answer",
            )
        detail = LOGIN if body["code"] == "not_authenticated" else body["detail"]
        raise Trouble(exit_code, f"{detail} [{body['code']}]", body["code"])


@contextmanager
def connected(account: Account | None = None) -> Iterator[Server]:
    account = account or Account.found()
    try:
        client = httpx.Client(
            base_url=f"{account.url}/api/v2",
            headers={"Authorization": f"Token {account.token}"} if account.token else {},
            timeout=httpx.Timeout(30, read=90),
            transport=httpx.HTTPTransport(retries=2),
        )
    except (ValueError, httpx.InvalidURL) as error:  # a token or an address of strange characters
        raise Trouble(WRONG_USAGE, f"Address or token cannot be used: {error}") from error
    with client:
        yield Server(client)


def config_path() -> Path:
    return Path(typer.get_app_dir("featherweight")) / "config.json"


# The screen


def show(as_json: bool, answer: Any, words: Table | Text | str) -> None:
    if as_json:
        print(json.dumps(answer, indent=2))
    else:
        out.print(words, soft_wrap=not isinstance(words, Table), markup=False)


def plain(text: str) -> Text:
    """Text of others as it is: neither markup nor codes for the terminal."""
    return Text(
        "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    )


def lines(text: str) -> Text:
    """The same of several lines."""
    return Text("\n").join(map(plain, text.split("\n")))


if __name__ == "__main__":
    main()
