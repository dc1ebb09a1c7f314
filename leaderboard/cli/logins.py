"""Sign in by a browser: show a code, wait until it is confirmed on a page of the server."""

from __future__ import annotations

import platform
import time
import webbrowser

from leaderboard.cli.languages import gettext
from leaderboard.cli.screen import err, plain
from leaderboard.cli.server import REFUSED, Account, Trouble, connected

GO_ON = ("authorization_pending", "slow_down")


def by_browser(url: str, scope: str) -> str:
    """The token that a person confirms. Raises `Trouble`."""
    name = gettext("featherweight on %(computer)s") % {"computer": platform.node() or "-"}
    with connected(Account(url, "")) as server:
        begun = server.ask("POST", "device", json={"name": name[:80], "scope": scope})
        told = gettext("Open %(verification_uri)s and type this code: %(user_code)s") % begun
        err.print(plain(told), soft_wrap=True)
        if err.is_terminal:
            webbrowser.open(begun["verification_uri_complete"])
        seconds, deadline = begun["interval"], time.monotonic() + begun["expires_in"]
        with err.status(gettext("waiting until you confirm it")):
            while time.monotonic() < deadline:
                time.sleep(seconds)
                try:
                    asked = {"device_code": begun["device_code"]}
                    return str(server.ask("POST", "device/token", json=asked)["token"])
                except Trouble as trouble:
                    if trouble.code not in GO_ON:
                        raise
                    seconds += 5 if trouble.code == "slow_down" else 0
    sentence = gettext("The code has expired. Run `featherweight login` again.")
    raise Trouble(REFUSED, sentence, "expired_device_code")
