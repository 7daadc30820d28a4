"""The public addresses at which gateways report on texts and hand answers over. The token in them is the authority.

A report on nothing of ours is answered 404: the provider may tell it again when the sender has recorded the message.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from flask import Flask, abort, current_app, request

from crm_mail.delivery.models import SenderAccount
from crm_mail.delivery.sms.callback_tokens import callback_key
from crm_mail.delivery.sms.gateway import GatewayConfig
from crm_mail.delivery.sms.http_gateway import look_up
from crm_mail.evidence.sms_answers import take_answer
from crm_mail.evidence.sms_reports import find_account, take_report
from crm_mail.permissions import public
from crm_mail.web.door import db, installation

MAX_BYTES = 64 * 1024
MOST_TOGETHER = 100


def _account(token: str) -> SenderAccount:
    request.max_content_length = MAX_BYTES
    home = installation()
    former = home.settings.previous_secret_key.get_secret_value()
    keys = [callback_key(key) for key in (home.secret_key, former) if key]
    account = find_account(db(), keys, token)
    if account is None:
        current_app.extensions["crm_mail_false_tokens"].note(request.remote_addr or "")
        abort(404)
    return account


def _told() -> Iterable[Mapping[str, Any]]:
    """What the gateway says: one report or several, as JSON or as a form."""
    if not request.is_json:
        return [request.form.to_dict()]
    try:
        data = json.loads(request.get_data())
    except ValueError:
        abort(400)
    several = data if isinstance(data, list) else [data]
    return [one for one in several[:MOST_TOGETHER] if isinstance(one, dict)]


@public
def take_status(token: str) -> Any:
    """Whether texts were delivered."""
    account = _account(token)
    told = [take_report(db(), account, one) for one in _told()]
    if not any(told):  # the sender may be about to record its number: providers tell again
        abort(404)
    return "", 200


@public
def take_inbound(token: str) -> Any:
    """An answer to one of our texts, such as STOP."""
    account = _account(token)
    config = GatewayConfig.from_dict(account.sms)
    for one in _told():
        take_answer(db(), account, look_up(one, config.inbound_number), look_up(one, config.inbound_text))
    return "", 200


def add_sms_routes(app: Flask) -> None:
    """Register both under a short address; gateways have no CSRF token."""
    for name, view in (("status", take_status), ("inbound", take_inbound)):
        app.add_url_rule(f"/sms/{name}/<token>", f"evidence.take_sms_{name}", view, methods=["POST"])
        app.extensions["csrf"].exempt(view)
