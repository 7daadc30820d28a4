"""Texts over a gateway that speaks HTTP, described by configuration: one request for each text.

An answer that is lost after the request left makes the message *uncertain*: it may have been taken, and a text that
somebody receives twice costs twice. So does an error of the gateway's own (500, 502, 504).
"""

import base64
import json
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from crm_mail.delivery.envelope import Cause, Outcome, OutcomeKind
from crm_mail.delivery.sms.gateway import BodyForm, GatewayConfig, SmsTransport, Submitted, words_of
from crm_mail.delivery.transports import AccountSettings, ConnectionFailed
from crm_mail.delivery.web_targets import Target, TargetRefused, Told

PLACEHOLDERS = ("number", "text", "sender", "reference")
ANSWER_BYTES = 64 * 1024
KEPT_SECONDS = 2.0
"""A connection that waited longer is opened anew: one that the gateway has closed would look like a lost answer."""
_PLACE = re.compile(r"\{(number|text|sender|reference)\}")


class TemplateWrong(ValueError):
    """A line of the template says nothing; the text is the line."""


def read_lines(text: str) -> dict[str, str]:
    """``name: value`` lines by name.

    Raises:
        TemplateWrong
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise TemplateWrong(line.strip())
        found[name.strip()] = value.strip()
    return found


def fields_of(config: GatewayConfig, values: Mapping[str, str]) -> dict[str, Any]:
    """The fields of one request: nested objects in JSON, plain texts in a form."""
    found: dict[str, Any] = {}
    for name, raw in read_lines(config.template).items():
        if config.form is BodyForm.FORM or config.method == "GET":
            found[name] = _filled(raw, values)
            continue
        place = found
        *outer, last = name.split(".")
        for key in outer:
            place = place.setdefault(key, {})
        place[last] = _filled(_literal(raw), values)
    return found


def _literal(raw: str) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _PLACE.sub(lambda match: values[match[1]], value)
    if isinstance(value, list):
        return [_filled(one, values) for one in value]
    if isinstance(value, dict):
        return {name: _filled(one, values) for name, one in value.items()}
    return value


def look_up(data: Any, path: str) -> str:
    """The value at a dotted path of an answer or a report; empty when there is none."""
    for key in path.split("."):
        if isinstance(data, Mapping):
            data = data.get(key)
        elif isinstance(data, list) and key.isdigit() and int(key) < len(data):
            data = data[int(key)]
        else:
            return ""
    return "" if data is None or isinstance(data, dict | list) else str(data)


def judge_answer(config: GatewayConfig, told: Told) -> Submitted:
    """What the gateway's answer means. Pure."""
    status = told.status
    if status is None:
        kind = OutcomeKind.TRANSIENT if told.is_unsent else OutcomeKind.UNCERTAIN
        cause = Cause.CONNECTION if told.is_unsent else Cause.DROPPED
        return _submitted(kind, cause, None, told.detail)
    if 200 <= status < 300:
        return _judge_taken(config, told)
    kind, cause = _REFUSED.get(status, (OutcomeKind.PERMANENT, Cause.CONTENT))
    if 300 <= status < 400:
        kind, cause = OutcomeKind.ACCOUNT_REFUSED, Cause.PROTOCOL
    elif status >= 500 and status not in _REFUSED:
        kind, cause = OutcomeKind.UNCERTAIN, Cause.PROTOCOL
    return _submitted(kind, cause, status, told.detail)


_REFUSED = {
    401: (OutcomeKind.ACCOUNT_REFUSED, Cause.LOGIN),
    402: (OutcomeKind.ACCOUNT_REFUSED, Cause.CREDIT),
    403: (OutcomeKind.ACCOUNT_REFUSED, Cause.LOGIN),
    404: (OutcomeKind.ACCOUNT_REFUSED, Cause.PROTOCOL),
    405: (OutcomeKind.ACCOUNT_REFUSED, Cause.PROTOCOL),
    429: (OutcomeKind.TRANSIENT, Cause.THROTTLED),
    503: (OutcomeKind.TRANSIENT, Cause.BUSY),
}


def _judge_taken(config: GatewayConfig, told: Told) -> Submitted:
    try:
        data = json.loads(told.data)
    except ValueError:
        data = None
    if config.ok_path:
        said = look_up(data, config.ok_path)
        if not said:
            detail = f"The answer has no {config.ok_path}: {told.detail}"
            return _submitted(OutcomeKind.UNCERTAIN, Cause.PROTOCOL, told.status, detail)
        if said.casefold() not in words_of(config.ok_values):
            return _submitted(OutcomeKind.PERMANENT, Cause.CONTENT, told.status, told.detail)
    found = look_up(data, config.id_path) if config.id_path else ""
    taken = _submitted(OutcomeKind.SENT, Cause.ACCEPTED, told.status, f"id {found}" if found else told.detail)
    return Submitted(taken.outcome, (found[:120],) if found else ())


def _submitted(kind: OutcomeKind, cause: Cause, status: int | None, detail: str) -> Submitted:
    return Submitted(Outcome(kind, status, detail[:500], None, cause))


class HttpGateway(SmsTransport):
    """One account's way to its gateway."""

    def __init__(self, settings: AccountSettings) -> None:
        assert settings.sms is not None
        self._settings, self._sms = settings, settings.sms
        self._target: Target | None = None
        self._used_at = 0.0

    def connect(self) -> None:
        """Find the gateway's address; the connection itself is made with the first text."""
        try:
            self._target = Target(
                self._sms.config.url,
                allow_private=self._sms.allow_private,
                connections=1,
                read_seconds=self._settings.timeout_seconds,
            )
        except TargetRefused as refused:
            is_name = refused.problem == "unknown"
            kind = OutcomeKind.TRANSIENT if is_name else OutcomeKind.ACCOUNT_REFUSED
            cause = Cause.DNS if is_name else Cause.ADDRESS
            raise ConnectionFailed(Outcome(kind, None, str(refused), None, cause)) from None
        self._used_at = time.monotonic()

    def is_usable(self) -> bool:
        return self._target is not None and time.monotonic() - self._used_at < KEPT_SECONDS

    @property
    def is_open(self) -> bool:
        return self._target is not None

    def submit(self, number: str, text: str, reference: str) -> Submitted:
        assert self._target is not None
        config = self._sms.config
        values = {
            "number": number,
            "text": text,
            "sender": self._settings.from_address,
            "reference": reference,
        }
        fields = fields_of(config, values)
        headers = dict(self._sms.headers)
        if self._settings.username:
            login = f"{self._settings.username}:{self._settings.password}".encode()
            headers.setdefault("Authorization", f"Basic {base64.b64encode(login).decode()}")
        body, query = None, ""
        if config.method == "GET":
            query = urlencode(fields)
        elif config.form is BodyForm.FORM:
            body = urlencode(fields).encode()
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        else:
            body = json.dumps(fields, ensure_ascii=False).encode()
            headers.setdefault("Content-Type", "application/json")
        headers.setdefault("Accept", "application/json")
        headers.setdefault("Idempotency-Key", reference)
        told = self._target.call(config.method, body, headers, most=ANSWER_BYTES, query=query)
        self._used_at = time.monotonic()
        if told.status is None:
            self.close()
        return judge_answer(config, told)

    def close(self) -> None:
        if self._target is not None:
            self._target.close()
            self._target = None
