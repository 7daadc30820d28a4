"""The form of an SMS account. What it may look like is `sms.accounts`' matter; forms only read."""

from dataclasses import replace
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    BooleanField,
    DecimalField,
    IntegerField,
    PasswordField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from crm_mail.delivery.sms.accounts import SmsAccountDetails
from crm_mail.delivery.sms.gateway import BodyForm, GatewayConfig, GatewayProtocol
from crm_mail.delivery.transports import Security

_TEXTS = (
    "url", "method", "template", "id_path", "ok_path", "ok_values", "status_reference", "status_id", "status_field",
    "error_field", "delivered", "failed", "inbound_number", "inbound_text", "system_type", "currency",
)  # fmt: skip


def _text(label: Any, description: Any = "", most: int = 300) -> StringField:
    return StringField(label, [Length(max=most)], description=description)


def _number(label: Any, low: int, high: int, description: Any = "") -> IntegerField:
    return IntegerField(label, [InputRequired(), NumberRange(low, high)], description=description)


class SmsAccountForm(FlaskForm):
    """One SMS account; names are those of `SmsAccountDetails` and `GatewayConfig`. Kept secrets are never shown."""

    name = _text(_l("Name"), _l("How colleagues recognise it, such as Text messages."))
    sender = _text(
        _l("Sender"), _l("A number such as +393331234567, or a name of at most 11 letters and digits.")
    )
    protocol = RadioField(
        _l("The provider speaks"),
        choices=[
            SelectChoice(GatewayProtocol.HTTP.value, _l("HTTP (an address on the web)")),
            SelectChoice(GatewayProtocol.SMPP.value, "SMPP 3.4"),
        ],
    )
    url = _text(_l("Address of the gateway"), _l("Such as https://api.provider.example/messages."), 500)
    method = SelectField(_l("Method"), choices=[SelectChoice(one, one) for one in ("POST", "GET", "PUT")])
    form = SelectField(
        _l("Fields are sent as"),
        choices=[
            SelectChoice(BodyForm.JSON.value, "JSON"),
            SelectChoice(BodyForm.FORM.value, _l("a web form")),
        ],
    )
    template = TextAreaField(
        _l("Fields"),
        [Length(max=4000)],
        description=_l(
            "One on each line, as name: value. {number}, {text}, {sender} and {reference} are filled in. In JSON a dot "
            "in the name makes an object inside another."
        ),
    )
    headers = TextAreaField(
        _l("Headers"),
        [Length(max=4000)],
        description=_l(
            "One on each line, such as Authorization: Bearer … They are kept encrypted and never shown."
        ),
    )
    forgets_headers = BooleanField(_l("Send no headers of our own any more"))
    username = _text(_l("User name"), _l("Empty: the gateway asks for none, or a header names it."), 200)
    secret = PasswordField(_l("Password"), [Length(max=1000)])
    id_path = _text(_l("Number of the message in the answer"), _l("Path with dots, such as messages.0.id."))
    ok_path = _text(_l("Where the answer says that it was taken"), _l("Empty: any answer 2xx will do."))
    ok_values = _text(_l("Words for taken"), _l("With commas, such as 0, ok, queued."))
    host = _text(_l("Server"), most=200)
    port = _number(_l("Port"), 1, 65535)
    security = SelectField(
        _l("Encryption"),
        choices=[
            SelectChoice(Security.TLS.value, "TLS"),
            SelectChoice(Security.NONE.value, _l("None (only on this machine)")),
        ],
    )
    system_type = _text(_l("System type"), _l("As the provider says; mostly empty."), 12)
    status_reference = _text(_l("Field with our reference"))
    status_id = _text(_l("Field with the gateway's number"))
    status_field = _text(_l("Field with the state"))
    error_field = _text(_l("Field with the reason"))
    delivered = _text(_l("Words for delivered"), _l("With commas."))
    failed = _text(_l("Words for failed"), _l("With commas. Other words change nothing."))
    inbound_number = _text(_l("Field with the sender's number"))
    inbound_text = _text(_l("Field with the text"))
    cost = DecimalField(_l("Cost of one SMS"), [Optional(), NumberRange(0, 1000)], places=None)
    currency = StringField(_l("Currency"), [Length(3, 3)])
    daily_cap = DecimalField(
        _l("Daily cap"),
        [Optional(), NumberRange(0, 1_000_000)],
        places=None,
        description=_l("What may be spent in a day; the rest waits for the next one. Empty: no cap."),
    )
    per_minute = _number(_l("Messages per minute"), 0, 1_000_000, _l("0: no limit."))
    per_day = _number(_l("Messages per day"), 0, 100_000_000, _l("0: no limit."))
    timeout_seconds = _number(_l("Time-out (seconds)"), 5, 600)

    @classmethod
    def of(cls, details: SmsAccountDetails, *, is_posted: bool = True) -> "SmsAccountForm":
        """The form of an account; ``is_posted``: with what was entered, when something was."""
        config = details.config
        values = {name: getattr(config, name) for name in _TEXTS}
        values |= {"protocol": config.protocol.value, "form": config.form.value}
        values |= {"cost": config.cost or None, "daily_cap": config.daily_cap}
        own = ("name", "sender", "username", "host", "port", "per_minute", "per_day", "timeout_seconds")
        values |= {name: getattr(details, name) for name in own}
        values["security"] = details.security.value
        return cls(data=values) if is_posted else cls(formdata=None, data=values)

    def details(self) -> SmsAccountDetails:
        """What was entered."""
        texts: dict[str, Any] = {name: (self[name].data or "").strip() for name in _TEXTS}
        texts["currency"] = texts["currency"].upper()
        config = replace(
            GatewayConfig(),
            **texts,
            protocol=GatewayProtocol(self.protocol.data),
            form=BodyForm(self.form.data),
            cost=self.cost.data or GatewayConfig().cost,
            daily_cap=self.daily_cap.data,
        )
        headers = (self.headers.data or "").strip()
        return SmsAccountDetails(
            name=self.name.data or "",
            sender=self.sender.data or "",
            config=config,
            username=(self.username.data or "").strip(),
            headers="" if self.forgets_headers.data else headers or None,
            host=(self.host.data or "").strip(),
            port=self.port.data or 0,
            security=Security(self.security.data),
            per_minute=self.per_minute.data or 0,
            per_day=self.per_day.data or 0,
            timeout_seconds=self.timeout_seconds.data or 30,
        )


class SmsTrialForm(FlaskForm):
    """Where a test goes."""

    number = StringField(_l("Mobile number"), [InputRequired(), Length(max=40)])
