"""The public pages behind an unsubscribe link: what the recipient wants to receive (RFC 8058, GDPR 7.3 and 21).

A GET only shows: programs that look at each link of a mail beforehand unsubscribe nobody. A POST needs neither a
cookie nor a form of ours, because mail programs send it by themselves; the token is its authority.
"""

import time
from collections import OrderedDict
from typing import Any

from flask import Flask, current_app, redirect, render_template, request, url_for
from flask_babel import force_locale
from werkzeug.exceptions import TooManyRequests

from crm_mail.contacts.consents.rules import Reason, Source, Subject
from crm_mail.contacts.consents.words import subject_words
from crm_mail.delivery.sms.numbers import is_number
from crm_mail.document_types import text_language
from crm_mail.outbox.links.unsubscribe_links import PATH, read_token, unsubscribe_key
from crm_mail.outbox.links.unsubscribing import (
    Preferences,
    TooManyWords,
    open_preferences,
    save_choices,
    unsubscribe,
    withdraw_everything,
)
from crm_mail.permissions import public
from crm_mail.web.door import db, installation
from crm_mail.web.language import LANGUAGE_COOKIE, LANGUAGES

ONE_CLICK = "List-Unsubscribe"
MAX_BYTES = 16 * 1024
HEADERS = {"X-Robots-Tag": "noindex", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


class FalseTokens:
    """Counts links that nobody made, by network address: who tries many of them waits.

    Genuine links are not counted here: one provider's servers may unsubscribe thousands in a minute. In memory, for
    each process, because it only keeps guessing cheap for us.
    """

    LIMIT, SECONDS, ADDRESSES = 30, 300.0, 10_000

    def __init__(self) -> None:
        self._tries: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def note(self, address: str) -> None:
        """Count one.

        Raises:
            TooManyRequests: there were too many.
        """
        moment = time.monotonic()
        since, count = self._tries.pop(address, (moment, 0))
        if moment - since > self.SECONDS:
            since, count = moment, 0
        self._tries[address] = since, count + 1
        if len(self._tries) > self.ADDRESSES:
            self._tries.popitem(last=False)
        if count >= self.LIMIT:
            raise TooManyRequests


def _opened(token: str) -> Preferences | None:
    home = installation()
    former = home.settings.previous_secret_key.get_secret_value()
    keys = [unsubscribe_key(key) for key in (home.secret_key, former) if key]
    told = read_token(keys, token)
    if told is None:
        false_tokens: FalseTokens = current_app.extensions["crm_mail_false_tokens"]
        false_tokens.note(request.remote_addr or "")
        return None
    return open_preferences(db(), told)


def _page(opened: Preferences | None, token: str, status: int = 200, **values: Any) -> Any:
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    known = chosen if chosen in LANGUAGES else (text_language(opened.language) if opened else "")
    if not known:
        return _render(opened, token, values), status, HEADERS
    with force_locale(known):
        return _render(opened, token, values), status, HEADERS


def _render(opened: Preferences | None, token: str, values: dict[str, Any]) -> str:
    subjects = [(_name(s), *subject_words(s), v) for s, v in opened.chosen.items()] if opened else []
    return render_template(
        "outbox/unsubscribe.html",
        opened=opened,
        token=token,
        subjects=subjects,
        shown_address=masked(opened.address) if opened else "",
        is_off=all(verdict.reason is Reason.WITHDRAWN for *_rest, verdict in subjects),
        **values,
    )


def _name(subject: Subject) -> str:
    return f"{subject[0]}-{subject[1]}"


def masked(address: str) -> str:
    """An address that its reader knows again, and nobody else: `m…@customer.example`."""
    if is_number(address):
        return f"{address[:3]}…{address[-3:]}"
    local, at, domain = address.partition("@")
    return f"{local[:1]}…@{domain}" if at else ""


@public
def show_preferences(token: str) -> Any:
    """What the recipient receives, and the buttons that change it; nothing happens by looking."""
    opened = _opened(token)
    return _page(opened, token, 200 if opened else 404, is_saved="saved" in request.args)


@public
def save_preferences(token: str) -> Any:
    """One click of a mail program, or what was chosen on the page."""
    request.max_content_length = MAX_BYTES
    opened = _opened(token)
    if opened is None:
        return _page(None, token, 404, is_saved=False)
    ip = (request.remote_addr or "")[:45]
    try:
        if request.form.get(ONE_CLICK) == "One-Click":
            unsubscribe(db(), opened, Source.ONE_CLICK, ip)
            return "", 200, HEADERS
        _act(opened, ip)
    except TooManyWords:
        page, _status, headers = _page(opened, token, is_saved=False, is_too_often=True)
        return page, 429, headers
    return redirect(url_for("outbox.show_preferences", token=token, saved=1), 303)


def _act(opened: Preferences, ip: str) -> None:
    what = request.form.get("action", "")
    if what == "unsubscribe":
        unsubscribe(db(), opened, Source.LINK, ip)
    elif what == "nothing":
        withdraw_everything(db(), opened, ip)
    elif what == "save":
        ticked = set(request.form.getlist("subject"))
        save_choices(db(), opened, {s for s in opened.chosen if _name(s) in ticked}, ip)


def add_unsubscribe_routes(app: Flask) -> None:
    """Register the pages under a short address, which stands in mails; mail programs have no CSRF token."""
    app.extensions["crm_mail_false_tokens"] = FalseTokens()
    app.add_url_rule(f"{PATH}<token>", "outbox.show_preferences", show_preferences)
    app.add_url_rule(f"{PATH}<token>", "outbox.save_preferences", save_preferences, methods=["POST"])
    app.extensions["csrf"].exempt(save_preferences)
