"""What the frame around each page shows: navigation, search, sending state, companies, user, test mode.

`create_app` says how to find it with `provide_shell(app, function)`; the function runs once per page and
returns a `Shell` with only what this user may see.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from flask import Flask, url_for


@dataclass(frozen=True, slots=True)
class NavItem:
    """One entry of the left navigation.

    `count` is work that waits; `url_args` go to url_for; neighbours of one `group` stand under its heading.
    """

    endpoint: str
    label: str
    icon: str
    active: bool = False
    count: int = 0
    url_args: dict[str, object] = field(default_factory=dict)
    group: str = ""

    @property
    def url(self) -> str:
        """Return the address of the entry."""
        return url_for(self.endpoint, **self.url_args)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class CompanyChoice:
    """A company of the switcher: the value that is posted, and what is shown."""

    id: str
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Shell:
    """Everything base.html shows around a page. Every part that is empty is left out of the page."""

    nav: Sequence[NavItem] = ()
    search_url: str = ""
    search_value: str = ""
    sending: str = ""  # "", "active" or "suspended"
    sending_url: str = ""
    companies: Sequence[CompanyChoice] = ()
    company: CompanyChoice | None = None
    company_switch_url: str = ""
    user_name: str = ""
    user_email: str = ""
    account_url: str = ""
    logout_url: str = ""
    test_mode_to: str = ""  # address that receives all mail while test mode is on
    home_url: str = "/"
    outbox_url: str = ""
    shortcuts: bool = True


def provide_shell(app: Flask, provider: Callable[[], Shell]) -> None:
    """Name the function that describes the frame of the current page."""
    app.extensions["crm_mail_shell"] = provider


def init_app(app: Flask) -> None:
    """Give templates `shell` and `nav_items`."""

    def context() -> dict[str, object]:
        provider: Callable[[], Shell] | None = app.extensions.get("crm_mail_shell")
        shell = provider() if provider is not None else Shell()
        return {"shell": shell, "nav_items": shell.nav}

    app.context_processor(context)
