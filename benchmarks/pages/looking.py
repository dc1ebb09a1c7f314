"""One page in Chromium: its bytes, what axe and the console say, its width, and what moves."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, Response

AXE = Path(__file__).parents[2] / "tests" / "vendor" / "axe-core" / "axe.min.js"
READING = Path(__file__).with_name("reading.js")
AS_THE_FRONT = 5
"""The level of gzip in docs/front/nginx.conf."""
SHIFTS = """
window.shifted = 0;
new PerformanceObserver(list => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifted += one.value;
}).observe({type: "layout-shift", buffered: true});
"""
PATIENCE = 60_000
"""Milliseconds, on a machine with other work."""
FIRST_ROWS = 3
ROWS_IN_SIGHT = """() => [...document.querySelectorAll(".board tbody tr[id]")]
  .filter(row => row.getBoundingClientRect().bottom <= innerHeight).length"""

FIRST_BYTE = """(([page]) => page.responseStart - page.requestStart)
  (performance.getEntriesByType("navigation"))"""


@dataclass(frozen=True)
class Look:
    path: str
    person: str
    variant: str
    status: int
    html_bytes: int
    first_load_bytes: int
    """HTML, styles, scripts, fonts and pictures, compressed as they travel."""
    violations: list[str]
    complaints: list[str]
    sideways: int
    """CSS pixels by which the page is wider than the window."""
    shift: float
    """Cumulative layout shift."""
    rows_in_sight: int | None
    """Rows of a board that stand whole in the first window."""
    server_ms: float
    """Until the first byte of the page."""
    lacks: list[str]
    """Of a title, a description, the language that was asked for, pictures and parts."""
    cut: list[str]
    """Texts that cannot be read whole, or that run over what stands beside them."""
    links: list[str]
    """Within the site."""


def look(
    context: BrowserContext, path: str, person: str, variant: str, picture: Path | None
) -> Look:
    """Open a page in a browser that has nothing in its cache. Keep a picture of it, if wanted."""
    page = context.new_page()
    responses: list[Response] = []
    said: list[str] = []
    page.on("response", lambda one: responses.append(one))
    page.on("console", lambda one: said.append(one.text) if one.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.add_init_script(SHIFTS)
    answer = page.goto(path, timeout=PATIENCE)
    assert answer
    page.wait_for_function("!document.querySelector('.htmx-request')", timeout=PATIENCE)
    loaded = list(responses)  # axe and polls load more
    in_sight = page.evaluate(ROWS_IN_SIGHT) if "/boards/" in path else None
    read = page.evaluate(READING.read_text())
    if picture:
        page.screenshot(path=picture, full_page=True)
    found = Look(
        path=path,
        person=person,
        variant=variant,
        status=answer.status,
        html_bytes=travelling(answer),
        first_load_bytes=sum(travelling(one) for one in loaded),
        violations=violations(page),
        complaints=[one for one in said if not is_of_the_status(one, answer.status)],
        sideways=page.evaluate("document.documentElement.scrollWidth - innerWidth"),
        shift=page.evaluate("window.shifted"),
        rows_in_sight=in_sight,
        server_ms=page.evaluate(FIRST_BYTE),
        lacks=list(lacking(read, language=variant.split("-")[-1])),
        cut=read["cut"],
        links=read["links"],
    )
    page.close()
    return found


def lacking(read: dict[str, Any], *, language: str) -> Iterator[str]:
    """What a page does not say of itself, and what it names and does not have."""
    if read["title"] in ("", "Featherweight"):
        yield "a title of its own"
    if not read["description"]:
        yield "a description"
    if read["language"] != language:
        yield f"the language {language}"
    yield from (f"the part #{one}" for one in read["gone"])
    yield from (f"the picture {one}" for one in read["broken"])


def is_of_the_status(said: str, status: int) -> bool:
    """Whether the browser only reports the status of a page that is meant to have this status."""
    return status >= 400 and said.startswith("Failed to load resource") and str(status) in said


def travelling(answer: Response) -> int:
    """Bytes of a body as they travel. Static files are compressed already; the front compresses
    pages."""
    if answer.status in (204, 301, 302, 304) or answer.url.startswith(("data:", "blob:")):
        return 0
    if answer.headers.get("content-encoding"):
        return int(answer.request.sizes()["responseBodySize"])
    body = answer.body()
    kind = answer.headers.get("content-type", "")
    is_text = kind.startswith("text/") or "json" in kind or "svg" in kind
    return len(gzip.compress(body, AS_THE_FRONT)) if is_text else len(body)


def violations(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())  # through the debugger: the CSP forbids a script tag
    result: dict[str, Any] = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{one['id']} at {node['target']}" for one in result["violations"] for node in one["nodes"]
    ]
