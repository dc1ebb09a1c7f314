"""The server: its address, a person's token, and requests whose refusals end the command."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import typer

from leaderboard.cli import languages
from leaderboard.cli.languages import gettext

FAILED, WRONG_USAGE, REFUSED, UNREACHABLE = 1, 2, 3, 4
AWAY = (502, 503, 504)
"""Status codes of a server that is away for a moment."""
PAGE = 1000
"""Rows that a server gives in one answer, at most."""


class Trouble(Exception):
    """The end of a command, with a sentence for people and an exit code for scripts."""

    def __init__(self, exit_code: int, detail: str, code: str = "") -> None:
        super().__init__(detail)
        self.exit_code, self.detail, self.code = exit_code, detail, code


@dataclass(frozen=True)
class Account:
    """A server's address and a token for this server; an empty token means no token."""

    url: str
    token: str

    @classmethod
    def found(cls) -> Account:
        """From the environment, else from the file that `login` wrote. Raises `Trouble`."""
        path = config_path()
        kept = json.loads(path.read_text()) if path.exists() else {}
        url = os.environ.get("FEATHERWEIGHT_URL", kept.get("url", "")).rstrip("/")
        # A token is for one server: it is never sent to another address from the environment.
        own = kept.get("token", "") if url == kept.get("url") else ""
        account = cls(url, os.environ.get("FEATHERWEIGHT_TOKEN", own))
        if not account.url:
            raise Trouble(
                WRONG_USAGE,
                gettext(
                    "No server is set. Run `featherweight login`, or set FEATHERWEIGHT_URL "
                    "and FEATHERWEIGHT_TOKEN."
                ),
            )
        return account

    def keep(self) -> None:
        """Write the file that `found` reads; only its owner can read the file."""
        path = config_path()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump({"url": self.url, "token": self.token}, file)


@dataclass(frozen=True)
class Server:
    client: httpx.Client

    def ask(self, method: str, path: str, **request: Any) -> Any:
        """The JSON of an answer; None of an empty one.

        Raises `Trouble` for a refusal or without an answer.
        """
        answer = self.answer(method, path, **request)
        if answer.status_code == 204:
            return None
        body = body_of(answer)
        if answer.is_success and body is not None:
            return body
        raise trouble(answer, body)

    def ask_whole(self, path: str, asked: Mapping[str, Any]) -> Any:
        """The JSON of a list with the rows of all its pages. Raises `Trouble`."""
        whole = self.ask("GET", path, params={**asked, "limit": PAGE})
        rows = whole["results"]
        while len(rows) < whole["count"]:
            here = {**asked, "limit": PAGE, "offset": len(rows)}
            if not (more := self.ask("GET", path, params=here)["results"]):
                break  # rows went away meanwhile
            rows += more
        return whole

    def save(self, path: str, target: Path) -> None:
        """Write a file of the server to `target`. Raises `Trouble`, and leaves no part behind."""
        with self.reached(), self.client.stream("GET", path) as answer:
            if not answer.is_success:
                answer.read()
                raise trouble(answer, body_of(answer))
            try:
                with target.open("wb") as file:
                    for chunk in answer.iter_bytes(1 << 20):
                        file.write(chunk)
            except BaseException:
                target.unlink()
                raise

    def answer(self, method: str, path: str, **request: Any) -> httpx.Response:
        """The answer of a request. Raises `Trouble` (bad_address, unreachable)."""
        with self.reached():
            return self.client.request(method, path, **request)

    @contextmanager
    def reached(self) -> Iterator[None]:
        """The body may raise errors of the client. They become `Trouble` (bad_address,
        unreachable)."""
        try:
            yield
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise Trouble(WRONG_USAGE, f"{self.client.base_url}: {error}", "bad_address") from error
        except httpx.TransportError as error:
            facts = {"host": self.client.base_url.host, "error": error}
            sentence = gettext("%(host)s cannot be reached: %(error)s") % facts
            raise Trouble(UNREACHABLE, sentence, "unreachable") from error


def body_of(answer: httpx.Response) -> Any:
    """The JSON of an answer, or None."""
    try:
        return answer.json()
    except ValueError:
        return None


def trouble(answer: httpx.Response, body: Any) -> Trouble:
    """The end of a command, made of an answer that refuses a request."""
    exit_code = UNREACHABLE if answer.status_code in AWAY else REFUSED
    if not isinstance(body, dict) or "code" not in body:
        sentence = gettext(
            "%(url)s answered %(status)d, which is not an answer of Featherweight. Check the "
            "address."
        )
        facts = {"url": answer.url, "status": answer.status_code}
        return Trouble(exit_code, sentence % facts, "unexpected_answer")
    is_anonymous = body["code"] == "not_authenticated"
    detail = sign_in_first() if is_anonymous else body["detail"]
    return Trouble(exit_code, f"{detail} [{body['code']}]", body["code"])


def sign_in_first() -> str:
    return gettext(
        "Sign in first: run `featherweight login`, or set FEATHERWEIGHT_TOKEN to a token "
        "from your profile page."
    )


@contextmanager
def connected(account: Account | None = None) -> Iterator[Server]:
    """A connection to an account's server, by default the known one. Raises `Trouble`."""
    account = account or Account.found()
    headers = {"Accept-Language": languages.code.replace("_", "-")}
    if account.token:
        headers["Authorization"] = f"Token {account.token}"
    try:
        client = httpx.Client(
            base_url=f"{account.url}/api/v2",
            headers=headers,
            timeout=httpx.Timeout(30, read=90),
            transport=httpx.HTTPTransport(retries=2),
        )
    except (ValueError, httpx.InvalidURL) as error:  # a token or an address of strange characters
        sentence = gettext("The address or the token cannot be used: %(error)s") % {"error": error}
        raise Trouble(WRONG_USAGE, sentence) from error
    with client:
        yield Server(client)


def config_path() -> Path:
    return Path(typer.get_app_dir("featherweight")) / "config.json"


def team_of(server: Server, competition: str) -> dict[str, Any]:
    """My team in a competition. Raises `Trouble` (not_a_member)."""
    server.ask("GET", f"competitions/{competition}")  # a wrong name is refused with a suggestion
    for one in server.ask("GET", "teams", params={"limit": 1000})["results"]:
        if one["competition"] == competition:
            return dict(one)
    sentence = gettext("You have no team in %(competition)s. Run `featherweight team create`.")
    raise Trouble(WRONG_USAGE, sentence % {"competition": competition}, "not_a_member")
