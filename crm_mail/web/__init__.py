"""What every page shares: assets, headers, language and theme, error pages, formats, the page shell.

Nothing here knows a room. Each module has `init_app(app)`; `create_app` calls `init_app` of this package,
which calls them all in an order that works.
"""

from __future__ import annotations

from flask import Flask

from crm_mail.web import assets, errors, formats, language, security_headers, shell, urls


def init_app(app: Flask) -> None:
    """Register everything of this package on the application (templates are the caller's business)."""
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    for module in (language, assets, security_headers, errors, formats, shell, urls):
        module.init_app(app)


__all__ = ["init_app"]
