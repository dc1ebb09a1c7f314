"""Fill a site, serve it as in production, look at every page, print, and say what missed a bar."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from benchmarks import picture, tables
from benchmarks.pages import looking
from benchmarks.pages.looking import Look

if TYPE_CHECKING:
    from benchmarks.pages.addresses import Address
    from benchmarks.pages.rows import Site

FIRST_LOAD_OF_A_BOARD = 150_000
FIRST_LOAD = 200_000
SHIFT = 0.02
"""Cumulative layout shift. 0.1 is commonly called good; the plot keeps its place, so less holds."""
VARIANTS = [
    f"{width}-{theme}-{language}"
    for width in (1280, 390)
    for theme in ("light", "dark")
    for language in ("en", "ko")
]
QUICK = ["1280-light-en", "390-dark-ko"]
HEIGHTS = {"1280": 800, "390": 844}


def main() -> int:
    options = parser().parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        print("Chromium is not installed (Debian: apt-get install chromium).", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory(prefix="featherweight-pages-") as folder:
        address = f"http://127.0.0.1:{picture.free_port()}"
        os.environ.update(picture.settings(Path(folder), address))
        os.environ.update(DEBUG="0", STATIC_ROOT=f"{folder}/static", ALLOWED_HOSTS="*")
        import django
        from django.core.management import call_command

        django.setup()
        logging.disable()  # many addresses are no pages, and Django writes each of them down
        from benchmarks.pages import addresses, links, rows

        call_command("collectstatic", verbosity=0, interactive=False)
        site = rows.fill(options.teams)
        pages = [one for one in addresses.found(site) if matches(one.path, options.pages)]
        print(f"{len(pages)} pages, {options.teams:,} teams", file=sys.stderr, flush=True)
        looks = kept(options.keep)
        with served(address), sync_playwright() as playwright:
            # Root, as in a container, has no sandbox.
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for one in walk(browser, address, site, pages, options, looks):
                looks.append(one)
                keep(one, options.keep)
            browser.close()
        dead = links.dead(site, looks)
    show(looks, dead, as_json=options.json)
    return int(bool(dead) or any(missed(one) for one in looks))


def matches(path: str, wanted: list[str]) -> bool:
    return not wanted or any(part in path for part in wanted)


@contextmanager
def served(site: str) -> Iterator[None]:
    """The site by the server of production."""
    bind = site.removeprefix("http://")
    web = [sys.executable, "-m", "gunicorn", "leaderboard.wsgi", "--bind", bind, "--threads", "4"]
    web += ["--no-control-socket", "--timeout", "120"]
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(web, cwd=picture.ROOT, stdout=quiet, stderr=quiet)
    try:
        picture.await_answer(f"{site}/healthz")
        yield
    finally:
        server.terminate()
        server.wait(20)


def kept(file: Path | None) -> list[Look]:
    """What an earlier run saw before it was stopped."""
    if not file or not file.exists():
        return []
    return [Look(**json.loads(line)) for line in file.read_text().splitlines()]


def keep(one: Look, file: Path | None) -> None:
    if file:
        with file.open("a") as lines:
            lines.write(json.dumps(dataclasses.asdict(one)) + "\n")


def walk(
    browser: Browser,
    base: str,
    site: Site,
    pages: list[Address],
    options: argparse.Namespace,
    before: list[Look],
) -> Iterator[Look]:
    clients = {"visitor": None, "member": site.world.member, "organizer": site.world.organizer}
    seen = {(one.variant, one.person, one.path) for one in before}
    for variant, one in itertools.product(QUICK if options.quick else options.only, pages):
        if (variant, one.person, one.path) in seen:
            continue
        # Another browser for each page, so that each load is a first one.
        with signed_in(browser, base, clients[one.person], variant) as context:
            picture = picture_of(options.pictures, variant, one)
            found = looking.look(context, one.path, one.person, variant, picture)
        for bar in missed(found):
            print(f"{variant} {one.person} {one.path}: {bar}", file=sys.stderr, flush=True)
        yield found


def picture_of(folder: Path | None, variant: str, one: Address) -> Path | None:
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^A-Za-z0-9=-]+", "_", one.path).strip("_") or "home"
        return folder / f"{name[:120]}-{one.person}-{variant}.png"
    return None


def signed_in(browser: Browser, base: str, client: Any, variant: str) -> BrowserContext:
    from django.conf import settings

    width, theme, language = variant.split("-")
    colors: Any = theme
    context = browser.new_context(
        base_url=base,
        viewport={"width": int(width), "height": HEIGHTS[width]},
        color_scheme=colors,
        locale=language,
    )
    if client:
        name = settings.SESSION_COOKIE_NAME
        value = client.cookies[name].value
        context.add_cookies([{"name": name, "value": value, "url": base}])
    return context


def missed(look: Look) -> list[str]:
    """The bars that a page misses, in words."""
    is_board = look.rows_in_sight is not None
    most = FIRST_LOAD_OF_A_BOARD if is_board else FIRST_LOAD
    said = [f"axe: {violation}" for violation in look.violations]
    said += [f"console: {complaint}" for complaint in look.complaints]
    if look.first_load_bytes > most:
        said.append(f"{look.first_load_bytes:,} bytes on the first load, {most:,} allowed")
    if look.sideways > 0:
        said.append(f"{look.sideways} px too wide")
    if look.shift > SHIFT:
        said.append(f"layout shift {look.shift:.3f}, {SHIFT} allowed")
    if look.path.endswith("/boards/public/") and (look.rows_in_sight or 0) < looking.FIRST_ROWS:
        said.append(f"{look.rows_in_sight} rows in the first window, {looking.FIRST_ROWS} wanted")
    said += [f"lacks {lack}" for lack in look.lacks]
    said += [f"cut off: {text}" for text in look.cut]
    if look.status >= 500:
        said.append(f"status {look.status}")
    return said


def show(looks: list[Look], dead: list[str], *, as_json: bool) -> None:
    if as_json:
        found = [dataclasses.asdict(one) | {"missed": missed(one)} for one in looks]
        print(json.dumps({"looks": found, "dead_links": dead}, indent=1))
        return
    pages: dict[tuple[str, str], list[Look]] = defaultdict(list)
    for one in looks:
        pages[one.path, one.person].append(one)
    head = ("page", "for", "first load", "HTML", "server", "axe", "console", "wide", "cut off")
    lines = [line(*page, seen) for page, seen in pages.items()]
    tables.show((*head, "lacks", "shift", "rows", ""), lines)
    for link in dead:
        print(f"leads nowhere: {link}")
    bars = sum(bool(missed(one)) for one in looks)
    print(
        f"{len(looks):,} looks at {len(pages)} pages; {bars} missed a bar; {len(dead)} dead links"
    )
    print(tables.machine_line())


def line(path: str, person: str, seen: list[Look]) -> tuple[str, ...]:
    """The worst of a page's variants; of the server's time the median."""
    rows = [one.rows_in_sight for one in seen if one.rows_in_sight is not None]
    return (
        path,
        person,
        f"{max(one.first_load_bytes for one in seen) / 1000:.0f} kB",
        f"{max(one.html_bytes for one in seen) / 1000:.0f} kB",
        f"{median(one.server_ms for one in seen):.0f} ms",
        str(sum(len(one.violations) for one in seen)),
        str(sum(len(one.complaints) for one in seen)),
        f"{max(0, *(one.sideways for one in seen))} px",
        str(sum(len(one.cut) for one in seen)),
        str(sum(len(one.lacks) for one in seen)),
        f"{max(one.shift for one in seen):.3f}",
        str(min(rows)) if rows else "",
        "MISSED" if any(missed(one) for one in seen) else "held",
    )


def parser() -> argparse.ArgumentParser:
    command = argparse.ArgumentParser(
        "python -m benchmarks.pages",
        description="Looks at every page of the site and of its panel, at 1280 and 390 pixels, "
        "light and dark, in English and Korean, and follows their links. The exit code is 1 where "
        "a bar is missed.",
    )
    command.add_argument("--teams", type=int, default=5_000, help="On the board (default: 5000).")
    command.add_argument(
        "--pages", nargs="+", default=[], help="Only paths with one of these parts."
    )
    command.add_argument(
        "--only", nargs="+", default=VARIANTS, choices=VARIANTS, metavar="WAY", help="390-dark-ko"
    )
    command.add_argument("--quick", action="store_true", help="Two of the eight ways.")
    command.add_argument(
        "--keep",
        type=Path,
        metavar="FILE",
        help="Keep each look; a stopped run goes on from there.",
    )
    command.add_argument(
        "--pictures", type=Path, metavar="FOLDER", help="A picture of each page in each way."
    )
    command.add_argument("--json", action="store_true", help="Each look, for programs.")
    return command


if __name__ == "__main__":
    sys.exit(main())
