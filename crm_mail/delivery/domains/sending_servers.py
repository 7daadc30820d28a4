"""What the well-known senders ask their customers to put into SPF (pure)."""

INCLUDES = {
    "outlook.com": "spf.protection.outlook.com",
    "office365.com": "spf.protection.outlook.com",
    "gmail.com": "_spf.google.com",
    "google.com": "_spf.google.com",
    "aruba.it": "_spf.aruba.it",
    "ovh.net": "mx.ovh.com",
    "mailgun.org": "mailgun.org",
    "sendgrid.net": "sendgrid.net",
    "amazonaws.com": "amazonses.com",
    "ionos.it": "_spf-eu.ionos.com",
    "ionos.es": "_spf-eu.ionos.com",
    "brevo.com": "spf.brevo.com",
}
"""Suffix of the server that takes our mail → the name that SPF includes for what it sends on."""


def wanted_include(host: str) -> str:
    """The include that the operator of a sending server asks for; empty when it is not known."""
    labels = host.lower().rstrip(".").split(".")
    return next(
        (INCLUDES[".".join(labels[i:])] for i in range(len(labels)) if ".".join(labels[i:]) in INCLUDES), ""
    )
