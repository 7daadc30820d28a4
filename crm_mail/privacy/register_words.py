"""The activities that the product itself carries out, as a proposal for the register (pure)."""

from crm_mail.words import Translate
from crm_mail.words import mark as _

_CONTACTS = _("Contacts of customers and suppliers: name, e-mail addresses, telephone, function, language")
_NOBODY = _("No transfer outside the European Union.")
_SECURITY = _(
    "Access by personal accounts, rights by area and document type, privacy levels; encrypted connections and stored "
    "passwords; append-only audit; backups."
)
_ACTIVITIES: tuple[dict[str, str], ...] = (
    {
        "name": _("Sending of business documents"),
        "purpose": _(
            "Delivering invoices, delivery notes, statements and other documents owed by contract or by law."
        ),
        "basis": _("Art. 6.1 (b) and (c) GDPR: contract, legal obligation."),
        "subjects": _("Contacts of customers and suppliers; sole traders."),
        "kinds": _CONTACTS,
        "recipients": _("Mail and PEC operators; accountants; tax authorities where law provides."),
        "transfers": _NOBODY,
        "retention": _("Ten years from sending (art. 2220 of the Italian civil code)."),
        "security": _SECURITY,
    },
    {
        "name": _("Proof of delivery"),
        "purpose": _(
            "Keeping PEC receipts, bounces and answers, to prove when a document reached its recipient."
        ),
        "basis": _("Art. 6.1 (c) and (f) GDPR: legal obligation, defence of claims."),
        "subjects": _("Contacts of customers and suppliers."),
        "kinds": _("Addresses, times, receipts and the messages sent."),
        "recipients": _("Courts and lawyers in a dispute."),
        "transfers": _NOBODY,
        "retention": _("Ten years from sending; mail that belongs to no message twelve months."),
        "security": _SECURITY,
    },
    {
        "name": _("Reminders of payment"),
        "purpose": _("Account statements and reminders of what is due."),
        "basis": _("Art. 6.1 (b) and (f) GDPR: contract, recovery of claims."),
        "subjects": _("Contacts of customers; sole traders."),
        "kinds": _("Open items, due dates, amounts, addresses."),
        "recipients": _("Mail and PEC operators; lawyers."),
        "transfers": _NOBODY,
        "retention": _("Ten years (art. 2220 and 2946 of the Italian civil code)."),
        "security": _SECURITY,
    },
    {
        "name": _("Commercial information"),
        "purpose": _(
            "Price lists, news and greetings to those who agreed, or who are customers of similar goods."
        ),
        "basis": _("Art. 6.1 (a) GDPR: consent; art. 130.4 of the Italian privacy code."),
        "subjects": _("Contacts of customers and suppliers."),
        "kinds": _CONTACTS,
        "recipients": _("Mail operators."),
        "transfers": _NOBODY,
        "retention": _("Two years from sending, or until consent is withdrawn."),
        "security": _SECURITY,
    },
    {
        "name": _("Accounts of our own people"),
        "purpose": _("Signing in, rights, and the record of who did what."),
        "basis": _("Art. 6.1 (b) and (f) GDPR: employment, security."),
        "subjects": _("Employees and collaborators."),
        "kinds": _("Name, e-mail address, rights, times and addresses of sign-ins, actions."),
        "recipients": _("Nobody outside the firm."),
        "transfers": _NOBODY,
        "retention": _("Sign-ins six months; the record of actions ten years."),
        "security": _SECURITY,
    },
)


def prefilled(translate: Translate) -> list[dict[str, str]]:
    """The proposal in a language."""
    return [{name: translate(text) for name, text in activity.items()} for activity in _ACTIVITIES]
