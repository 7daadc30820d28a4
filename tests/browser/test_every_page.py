"""Every page in every language and two widths, in both themes: it opens, fits, and its console stays silent."""

import re
from collections import Counter
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from crm_mail.app import create_app
from crm_mail.outbox.states import RunState
from tests.browser.office import ADMINISTRATOR, Office
from tests.browser.sample_paths import paths, sample
from tests.browser.watched import SHOTS, Watched

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

WIDTHS = (1366, 390)
ALIKE = 3
THEMES = ("light", "dark")
REFUSED = {"/companies/1/logo": 404, "/outbox/1/messages/1/edit": 403}
"""Addresses that must refuse: the company has no logo, and what is sent is not edited."""
MAIN_PAGES = (
    "/", "/contacts/", "/contacts/{party_id}", "/documents/", "/import/", "/prepare", "/outbox",
    "/outbox/{run_id}?open={message_id}", "/outbox/{run_id}/commit", "/outbox/1/report", "/accounts", "/users/1/rights",
)  # fmt: skip


def waiting_import(anna: Watched) -> str:
    """An import of contacts that waits for its columns; its token."""
    anna.go("/import/")
    anna.page.locator("textarea[name=cells]").fill("party_code\tparty_name\n77\tSette & Sette")
    anna.page.locator("textarea[name=cells]").locator("xpath=ancestor::form").get_by_role("button").click()
    anna.page.wait_for_url("**/columns")
    return anna.page.url.split("/")[-2]


@pytest.fixture(scope="module")
def known() -> dict[str, str]:
    """What each address is, found out by the first walk."""
    return {}


@pytest.mark.parametrize(("language", "theme"), [("it", "light"), ("es", "dark"), ("en", "light")])
def test_every_page_opens_and_fits_in_each_language_and_theme(
    demo: Office, window: Callable[..., Watched], known: dict[str, str], language: str, theme: str
) -> None:
    """BX-1 to BX-3, BX-5, BX-6 and the pages of issue 2 §9. In Italian each is looked at in both themes."""
    anna = window(demo.url)
    anna.sign_in(ADMINISTRATOR)
    anna.choose("language", language)
    anna.choose("theme", theme)
    app = create_app(demo.home.settings, demo.home)
    with demo.home.database.read() as session:
        token = waiting_import(anna)
        addresses = paths(app, sample(session, RunState.REVIEW, token))
        addresses += [p for p in paths(app, sample(session, RunState.FINISHED, token)) if p not in addresses]
    flaws: list[str] = []
    links: dict[str, str] = {}
    for path in addresses:
        flaws += [f"{path}: {flaw}" for flaw in look_at(anna, path, language, theme, known)]
        if language == "en" and known[path] == "page":
            links = {link: path for link in anna.links()} | links
    assert links or language != "en"
    flaws += dead_links(anna, links, known)
    assert not flaws, "\n".join(flaws)


def dead_links(anna: Watched, links: dict[str, str], known: dict[str, str]) -> list[str]:
    """Links that lead nowhere, of all pages that were looked at; of those that differ by a number alone, a few."""
    flaws: list[str] = []
    asked: Counter[tuple[str, frozenset[str]]] = Counter()
    for link, page in links.items():
        parts = urlsplit(link)
        shape = (re.sub(r"\d+", "#", parts.path), frozenset(parse_qs(parts.query)))
        asked[shape] += 1
        if link in known or asked[shape] > ALIKE:
            continue
        status = anna.page.request.get(f"{anna.url}{link}").status
        if status >= 400 and REFUSED.get(link) != status:
            flaws.append(f"{page} links to {link}, which answers {status}")
    return flaws


def is_page(anna: Watched, path: str, known: dict[str, str]) -> bool:
    """Whether an address is a page; files, parts of pages and mails for a frame need only be there (asked once)."""
    if path not in known:
        head = anna.page.request.get(f"{anna.url}{path}", max_redirects=0)
        if head.status in (302, 303) or (path in REFUSED and head.status == REFUSED[path]):
            known[path] = "it leads to a page that is looked at itself, or refuses as it must"
        elif head.status != 200 or path in REFUSED:
            known[path] = f"FLAW {head.status}"
        else:
            is_whole = "text/html" in head.headers["content-type"] and "<html" in head.text()
            is_framed = "frame-ancestors 'self'" in head.headers["content-security-policy"]
            known[path] = "page" if is_whole and not is_framed else "part"
    return known[path] == "page"


def look_at(anna: Watched, path: str, language: str, theme: str, known: dict[str, str]) -> list[str]:
    """What is wrong with one address."""
    if not is_page(anna, path, known):
        return [known[path]] if known[path].startswith("FLAW") else []
    flaws = [] if anna.go(path).ok else ["it does not open"]
    if anna.page.locator("html").get_attribute("lang") != language:
        flaws.append("it is in another language")
    if anna.page.locator("html").get_attribute("data-bs-theme") != theme:
        flaws.append("it is in another theme")
    other = next(one for one in THEMES if one != theme)
    # words decide what fits, so every language has both widths, and one both themes
    looks = [(theme, width) for width in WIDTHS] + ([(other, WIDTHS[0])] if language == "it" or SHOTS else [])
    for shown, width in looks:
        anna.show_theme(shown)
        anna.page.set_viewport_size({"width": width, "height": 900})
        flaws += [f"{shown}, {width} px: {flaw}" for flaw in anna.flaws()]
        if SHOTS:
            name = path.strip("/").replace("/", "_").replace("?", "_")[:60]
            anna.shot(f"page-{language}-{shown}-{width}-{name}")
    return flaws


def test_the_main_pages_have_no_barriers(demo: Office, window: Callable[..., Watched]) -> None:
    """BX-7: WCAG 2.2 AA as far as a program can judge it, in both themes."""
    anna = window(demo.url)
    anna.sign_in(ADMINISTRATOR)
    anna.choose("language", "en")
    with demo.home.database.read() as session:
        values = sample(session, RunState.REVIEW, "").values
    barriers: list[str] = []
    for pattern in MAIN_PAGES:
        anna.go(pattern.format(**values))
        for theme in THEMES:
            anna.show_theme(theme)
            barriers += [f"{anna.page.url} ({theme}): {barrier}" for barrier in anna.barriers()]
    assert not barriers, "\n".join(barriers)
