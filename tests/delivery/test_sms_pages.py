"""The pages of SMS accounts (issue 6, section 5): added, tried, changed; secrets are kept and never shown."""

from typing import Any

from flask import Flask
from sqlalchemy import select

from crm_mail.delivery.models import SenderAccount
from crm_mail.delivery.oauth import account_settings
from crm_mail.delivery.sms.callback_tokens import callback_key, make_token
from crm_mail.sandbox.sms_gateway import SmsGateway
from tests import factories

FORM = {
    "name": "Texts",
    "sender": "+393330000000",
    "protocol": "http",
    "method": "POST",
    "form": "json",
    "template": "to: {number}\ntext: {text}\nfrom: {sender}\nreference: {reference}",
    "headers": "X-Key: k3y",
    "id_path": "id",
    "port": "2775",
    "security": "tls",
    "cost": "0.0735",
    "currency": "eur",
    "daily_cap": "20",
    "per_minute": "0",
    "per_day": "0",
    "timeout_seconds": "10",
    "status_field": "status",
    "delivered": "ok",
    "failed": "ko",
}


def test_an_sms_account_is_added_tried_and_changed(app: Flask, login_as: Any) -> None:
    home = app.extensions["crm_mail"]
    with home.database.write() as session:
        factories.make_company(session, country="IT")
        admin = factories.make_user(session, is_admin=True)
    client = login_as(admin)
    with SmsGateway() as gateway:
        data = FORM | {"url": gateway.url}
        wrong = client.post(
            "/accounts/sms/new", data=data | {"url": "http://example.com/", "template": "to {number}"}
        )
        assert wrong.status_code == 422
        assert "begins with https://" in wrong.text
        assert "This one is not: to {number}" in wrong.text
        added = client.post("/accounts/sms/new", data=data)
        assert added.status_code == 303
        page = client.get(added.location).text
        assert "k3y" not in page
        tried = client.post(f"{added.location}/send-test-sms", data={"number": "333 1234567"})
        assert "id SM1" in tried.text
        assert (
            "no mobile number" in client.post(f"{added.location}/send-test-sms", data={"number": "12"}).text
        )
        changed = client.post(added.location, data=data | {"name": "Other", "headers": "", "cost": "0.08"})
        assert changed.status_code == 303
    (text,) = gateway.texts
    assert (text.number, text.headers["x-key"]) == ("+393331234567", "k3y")
    with home.database.read() as session:
        account = session.scalars(select(SenderAccount)).one()
        assert (account.name, account.is_default, (account.sms or {})["cost"]) == ("Other", True, "0.08")
        settings = account_settings(home, account)
        assert settings.sms is not None
        assert settings.sms.headers == {"X-Key": "k3y"}
        before = make_token(callback_key(home.secret_key), account.id, 1)
    assert before in page
    assert client.post(f"{added.location}/renew-token").status_code == 303
    assert before not in client.get(added.location).text
    assert (
        client.post(f"/sms/inbound/{before}", data={"from": "393331234567", "text": "ciao"}).status_code
        == 404
    )
    assert client.post(f"{added.location}/check").status_code == 404  # a gateway is no mail server
