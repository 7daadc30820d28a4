"""The form of an account's registration at its provider."""

import re
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    DateField,
    PasswordField,
    SelectChoice,
    SelectField,
    StringField,
)
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from crm_mail.delivery.models import SenderAccount
from crm_mail.delivery.oauth_consent import Registration
from crm_mail.delivery.oauth_providers import ProviderKind, is_safe_url

_OPERATORS = {"microsoft365": ProviderKind.MICROSOFT, "google": ProviderKind.GOOGLE}
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,99}")


class SignInForm(FlaskForm):
    """Whom to sign in to, and as which application."""

    provider = SelectField(
        _l("Provider"),
        choices=[
            SelectChoice(ProviderKind.MICROSOFT.value, "Microsoft 365"),
            SelectChoice(ProviderKind.GOOGLE.value, "Google"),
            SelectChoice(ProviderKind.OTHER.value, _l("Another one")),
        ],
    )
    client_id = StringField(
        _l("Application (client) ID"),
        [InputRequired(), Length(max=200)],
        filters=[lambda v: (v or "").strip()],
    )
    secret = PasswordField(_l("Client secret"), [Length(max=1000)])
    secret_ends_on = DateField(
        _l("The client secret is valid until"),
        [Optional()],
        description=_l("As the provider showed it. A warning comes two weeks before."),
    )
    tenant = StringField(
        _l("Directory (tenant) ID"),
        [Length(max=100)],
        filters=[lambda v: (v or "").strip()],
        description=_l("Microsoft only: the ID or the domain of the organisation."),
    )
    authorize_url = StringField(
        _l("Address of consent"),
        [Length(max=300)],
        description=_l("Another provider only: begins with https."),
    )
    token_url = StringField(_l("Address of tokens"), [Length(max=300)])
    scope = StringField(
        _l("Scope"), [Length(max=500)], description=_l("Empty: what sending and reading mail needs there.")
    )

    @classmethod
    def of(cls, account: SenderAccount) -> "SignInForm":
        """The form of an account; the secret is never put into it."""
        usual = _OPERATORS.get(account.operator, ProviderKind.MICROSOFT)
        return cls(
            data={
                "provider": account.oauth_provider or usual.value,
                "client_id": account.oauth_client_id,
                "secret_ends_on": account.oauth_secret_ends_on,
                "tenant": account.oauth_tenant,
                "authorize_url": account.oauth_authorize_url,
                "token_url": account.oauth_token_url,
                "scope": account.oauth_scope,
            }
        )

    def validate_tenant(self, field: Any) -> None:
        """It becomes a part of an address."""
        if field.data and not _TENANT.fullmatch(field.data):
            raise ValidationError(_("Letters, digits, dots and hyphens only."))

    def validate_authorize_url(self, field: Any) -> None:
        """Another provider's addresses must be given, and be safe."""
        if self.provider.data == ProviderKind.OTHER and not is_safe_url(field.data or ""):
            raise ValidationError(_("Enter an address that begins with https://."))

    validate_token_url = validate_authorize_url

    def validate_scope(self, field: Any) -> None:
        """Another provider's scope is not known."""
        if self.provider.data == ProviderKind.OTHER and not (field.data or "").strip():
            raise ValidationError(_("Enter a value."))

    def registration(self) -> Registration:
        """What was entered."""
        return Registration(
            ProviderKind(self.provider.data),
            self.client_id.data or "",
            self.secret.data or "",
            self.secret_ends_on.data,
            self.tenant.data or "",
            (self.authorize_url.data or "").strip(),
            (self.token_url.data or "").strip(),
            " ".join((self.scope.data or "").split()),
        )
