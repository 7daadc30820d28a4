"""How to reach the mailbox of a kept account, with its password or the access token of the moment."""

from crm_mail.delivery import oauth
from crm_mail.delivery.mailbox.failures import MailboxCause, MailboxFailed
from crm_mail.delivery.mailbox.settings import MailboxSettings, mailbox_settings
from crm_mail.delivery.models import AuthMethod, SenderAccount
from crm_mail.delivery.oauth_client import ProviderUnreachable
from crm_mail.installation import Installation, SecretUnreadable


def reach_mailbox(home: Installation, account: SenderAccount, rejected: str = "") -> MailboxSettings:
    """What a `ReadOnlyMailbox` needs. Call it with no transaction open: a token may have to be renewed.

    Args:
        rejected: the access token that the server has just refused: another one is wanted.

    Raises:
        MailboxFailed: a person must sign in again, or enter the password again; or the provider is not reached.
    """
    try:
        has_token = account.auth is AuthMethod.OAUTH2 and account.mailbox_secret is None
        token = oauth.access_token(home, account.id, rejected) if has_token else ""
        return mailbox_settings(account, home.decrypt, token)
    except (oauth.SignInAgain, SecretUnreadable) as refused:
        raise MailboxFailed(MailboxCause.LOGIN, str(refused)) from None
    except ProviderUnreachable as away:
        raise MailboxFailed(MailboxCause.CONNECTION, str(away)) from None
