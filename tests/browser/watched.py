"""A page of a real browser that is watched: what its console says, and whether its structure holds."""

import os
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Response, expect

from tests.browser.office import PASSWORD

AXE = (Path(__file__).resolve().parents[1] / "vendor" / "axe.min.js").read_text(encoding="utf-8")
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SHOTS = os.environ.get("BROWSER_SHOTS", "")
PATIENCE_MS = 40_000  # a machine that does other work as well

expect.set_options(timeout=PATIENCE_MS)

_STRUCTURE = """() => {
  const ids = [...document.querySelectorAll('[id]')].map((one) => one.id);
  return {
    twice: [...new Set(ids.filter((id, at) => ids.indexOf(id) !== at))],
    over: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    title: document.title.trim(),
    headings: document.querySelectorAll('h1').length,
    language: document.documentElement.lang,
    theme: document.documentElement.dataset.bsTheme,
  };
}"""

_SHOW_THEME = """async (theme) => {
  document.documentElement.dataset.bsTheme = theme;
  const finite = (one) => one.effect.getComputedTiming().endTime < 10000;
  await Promise.allSettled(document.getAnimations().filter(finite).map((one) => one.finished));
}"""


_BARRIERS = """async (tags) => {
  for (let turn = 0; ; turn += 1) {  // nothing half under the top bar, where it would count as too small
    window.scrollTo({top: 0, behavior: 'instant'});
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const found = await axe.run(document, {runOnly: {type: 'tag', values: tags}});
    if (window.scrollY === 0 || turn === 4) return found;
  }
}"""


class Watched:
    """One browser window of one person. Its complaints are collected; `close` fails when there are any.

    Args:
        url: where the product is served.
        expected: statuses of answers that this journey brings about on purpose.
    """

    def __init__(
        self,
        browser: Browser,
        url: str,
        *,
        width: int = 1366,
        height: int = 900,
        expected: tuple[int, ...] = (),
    ) -> None:
        self.url = url
        self.expected = expected
        self.complaints: list[str] = []
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": height}, locale="en-GB", accept_downloads=True
        )
        self.page: Page = self.new_page()

    def new_page(self) -> Page:
        """A further tab of the same person."""
        page = self.context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("response", self._look)
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        # "Failed to load resource" repeats what `_look` hears with its status.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(f"console at {self.page.url}: {message.text} {message.location}")

    def _look(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            self.complaints.append(f"{response.status}: {response.request.method} {response.url}")

    def go(self, path: str) -> Response:
        """Open an address of the product."""
        response = self.page.goto(f"{self.url}{path}")
        assert response is not None
        return response

    def sign_in(self, email: str, password: str = PASSWORD) -> None:
        """Sign in as every user does."""
        self.go("/login")
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(lambda url: "/login" not in url)
        if self.page.locator("html").get_attribute("lang") != "en":  # another test left its language
            self.choose("language", "en")

    def choose(self, menu: str, value: str) -> None:
        """Language or theme, by its menu in the top bar."""
        button = self.page.locator(f"#{menu}-menu button[value={value}]")
        button.locator("xpath=ancestor::details/summary").click()
        button.click()
        attribute = "lang" if menu == "language" else "data-bs-theme"
        expect(self.page.locator("html")).to_have_attribute(attribute, value)

    def button(self, name: str) -> Locator:
        """A button by its exact words."""
        return self.page.get_by_role("button", name=name, exact=True)

    def link(self, name: str) -> Locator:
        """A link by its exact words."""
        return self.page.get_by_role("link", name=name, exact=True)

    def shot(self, name: str) -> None:
        """Keep a picture where BROWSER_SHOTS says; else nothing."""
        if SHOTS:
            self.page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True, caret="initial")

    def show_theme(self, theme: str) -> None:
        """Show the page that is open in a theme, as the server would have sent it; ends when all colours stand."""
        self.page.evaluate(_SHOW_THEME, theme)

    def flaws(self) -> list[str]:
        """What is wrong with the structure of the page that is open."""
        found = self.page.evaluate(_STRUCTURE)
        flaws = [f"the id {one} stands twice" for one in found["twice"]]
        if found["over"] > 0:
            flaws.append(f"it scrolls sideways by {found['over']} px")
        if not found["title"]:
            flaws.append("it has no title")
        if found["headings"] != 1:
            flaws.append(f"it has {found['headings']} main headings")
        return flaws

    def links(self) -> list[str]:
        """Addresses of this product to which the page that is open leads, without the place in the page."""
        found = self.page.evaluate("() => [...document.querySelectorAll('a[href]')].map((one) => one.href)")
        own = (
            link.removeprefix(self.url).partition("#")[0] for link in found if link.startswith(f"{self.url}/")
        )
        return list(dict.fromkeys(own))

    def barriers(self) -> list[str]:
        """What axe-core finds against WCAG 2.2 AA on the page that is open."""
        self.page.evaluate(AXE)
        self.page.wait_for_load_state("networkidle")  # parts that arrive late scroll to themselves
        result = self.page.evaluate(_BARRIERS, STANDARDS)
        return [
            f"{found['id']}: {node['target']} {node['html'][:160]}"
            for found in result["violations"]
            for node in found["nodes"]
        ]

    def close(self) -> None:
        """Close the window; nothing may have been complained about."""
        self.context.close()
        assert not self.complaints, "\n".join(self.complaints)
