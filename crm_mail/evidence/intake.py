"""Taking in one mail as evidence. (Signatures; the rules follow.)"""

from sqlalchemy.orm import Session

from crm_mail.delivery.mailbox.reader import ReceivedMail
from crm_mail.delivery.models import SenderAccount
from crm_mail.evidence.models import MailItem
from crm_mail.installation import Installation


def take_in(session: Session, home: Installation, account: SenderAccount, mail: ReceivedMail) -> MailItem | None:
    """Keep a mail that concerns a message of ours, and let the message's proof and state follow.

    None: it concerns none of ours, or is kept already; nothing was written. Never commits.
    """
    raise NotImplementedError
