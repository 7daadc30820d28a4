"""Which gateway an account's settings ask for."""

from crm_mail.delivery.envelope import Cause, Outcome, OutcomeKind
from crm_mail.delivery.sms.gateway import GatewayProtocol, SmsTransport
from crm_mail.delivery.sms.http_gateway import HttpGateway
from crm_mail.delivery.sms.smpp_gateway import SmppGateway
from crm_mail.delivery.transports import AccountSettings, ConnectionFailed


def open_gateway(settings: AccountSettings) -> SmsTransport:
    """The transport of an SMS account, not connected yet."""
    assert settings.sms is not None
    if settings.sms.config.protocol is GatewayProtocol.SMPP:
        return SmppGateway(settings)
    return HttpGateway(settings)


def send_once(settings: AccountSettings, number: str, text: str, reference: str) -> Outcome:
    """Connect, send one text, hang up: for trying an account out. Never raises for what a gateway does."""
    gateway = open_gateway(settings)
    try:
        gateway.connect()
        return gateway.submit(number, text, reference).outcome
    except ConnectionFailed as failed:
        return failed.outcome
    except Exception as error:
        return Outcome(
            OutcomeKind.UNCERTAIN, None, f"{type(error).__name__}: {error}"[:500], None, Cause.PROTOCOL
        )
    finally:
        gateway.close()
