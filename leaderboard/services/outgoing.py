"""Requests to addresses that participants name. Only public addresses are reached.

A name is resolved once. Every address that it has must be allowed. The connection then goes to the
first of these addresses that takes it, so a name that changes meanwhile changes nothing. Redirects
are not followed. Without encryption only the networks that the operator allows are reached.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx
from django.conf import settings

logger = logging.getLogger(__name__)
SECONDS = 10.0
"""The whole request: the name, the connection, and the answer's headers. Its body is not read."""
TIMEOUT = httpx.Timeout(SECONDS, connect=SECONDS / 3)
"""A connection may take a third of the time. Then another address of the host can be tried."""
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
NO_ADDRESS, NO_ANSWER, TOO_SLOW = "no_public_address", "no_answer", "too_slow"
"""Why a request got no answer."""


@dataclass(frozen=True)
class Call:
    """A POST that is to be sent."""

    url: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """The status of an answer, or the reason why there is none."""

    status: int | None
    error: str = ""

    @property
    def is_good(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class NoAddressError(Exception):
    """The host of a URL has no address, or one that must not be reached."""


def send(calls: Sequence[Call]) -> list[Answer]:
    """Send some calls at once, and wait for all answers."""

    async def every() -> list[Answer]:
        return await asyncio.gather(*map(send_one, calls))

    return asyncio.run(every())


async def send_one(call: Call) -> Answer:
    try:
        async with asyncio.timeout(SECONDS):
            return Answer(await post(call))
    except TimeoutError:
        return Answer(None, TOO_SLOW)
    except NoAddressError:
        return Answer(None, NO_ADDRESS)
    except httpx.TimeoutException:
        return Answer(None, TOO_SLOW)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
        return Answer(None, NO_ANSWER)
    except Exception:  # one bad address must not end the process
        logger.exception("A call could not be made")
        return Answer(None, NO_ANSWER)


async def post(call: Call) -> int:
    """The status of the answer. The body is not read."""
    url = httpx.URL(call.url)
    host = url.raw_host.decode("ascii")
    is_encrypted = url.scheme == "https"
    addresses = await resolved(host, url.port or (443 if is_encrypted else 80))
    if not is_encrypted and not all(map(is_own, addresses)):
        raise NoAddressError
    for address in addresses[:-1]:
        with contextlib.suppress(httpx.ConnectError, httpx.ConnectTimeout):
            return await post_to(address, call)
    return await post_to(addresses[-1], call)


async def post_to(address: str, call: Call) -> int:
    url = httpx.URL(call.url)
    host = url.raw_host.decode("ascii")
    pinned = url.copy_with(host=address)
    headers = {**call.headers, "Host": url.netloc.decode("ascii")}
    # No proxy of the environment: it would resolve the name a second time.
    async with (
        httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=TIMEOUT) as client,
        client.stream(
            "POST",
            pinned,
            content=call.body,
            headers=headers,
            extensions={"sni_hostname": host},
        ) as answer,
    ):
        return answer.status_code


async def resolved(host: str, port: int) -> list[str]:
    """The addresses of a host. Raises `NoAddressError` unless every address may be reached."""
    try:
        addresses = await looked_up(host, port)
    except (OSError, UnicodeError) as error:
        raise NoAddressError from error
    if not addresses or not all(map(is_allowed, addresses)):
        raise NoAddressError
    return addresses


def looked_up(host: str, port: int) -> asyncio.Future[list[str]]:
    """The addresses of a host.

    Each name has a thread of its own that nobody waits for. The loop's threads are few, and the
    loop waits for them at its end, however long a name server is silent.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[str]] = loop.create_future()

    def tell(addresses: list[str], error: Exception | None) -> None:
        if found.done():
            return
        if error:
            found.set_exception(error)
        else:
            found.set_result(addresses)

    def look() -> None:
        addresses: list[str] = []
        failure: Exception | None = None
        try:
            addresses = addresses_of(host, port)
        except Exception as error:
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(tell, addresses, failure)

    threading.Thread(target=look, daemon=True).start()
    return found


def addresses_of(host: str, port: int) -> list[str]:
    return [str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_allowed(text: str) -> bool:
    """Whether an address is public, or in a network that the operator allows."""
    try:
        address = within(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return False
    if is_own(text):
        return True
    is_special = address.is_multicast or address.is_reserved or address.is_unspecified
    is_special |= isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    return address.is_global and not is_special


def is_own(text: str) -> bool:
    """Whether a good address is in a network that the operator allows."""
    address = within(ipaddress.ip_address(text.partition("%")[0]))
    return any(address in network for network in settings.WEBHOOK_NETWORKS)


def within(address: Address) -> Address:
    """The IPv4 address that an IPv6 address leads to, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    inner = address.ipv4_mapped or address.sixtofour
    return inner or (address.teredo[1] if address.teredo else address)
