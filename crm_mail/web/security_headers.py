"""Response headers that limit what a page may do.

A view that needs another policy (a PDF or a mail preview shown in a frame of our own) sets its own
`Content-Security-Policy`; a header that is already there is left alone.
"""

from __future__ import annotations

from flask import Flask, Response, request

PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "frame-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "object-src 'none'",
        "frame-ancestors 'none'",
    )
)
# A PDF in our own frame: no `sandbox` directive, browsers refuse to start their viewer under it.
PDF_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
# The HTML body of a mail: shown, never run. Its inline styles are the mail's own look; images only inline.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; sandbox"
)

_HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


def add_headers(response: Response) -> Response:
    """Add the headers a response lacks; over HTTPS also HSTS; pages are never stored in caches."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def allow_framing(response: Response, policy: str) -> Response:
    """Return the response with `policy` (PDF_POLICY or MAIL_POLICY) so that our own pages may frame it."""
    response.headers["Content-Security-Policy"] = policy
    return response


def init_app(app: Flask) -> None:
    """Add the headers to every response of the application."""
    app.after_request(add_headers)
