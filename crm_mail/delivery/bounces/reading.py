"""A mail's bytes as a bounce, a delay, an automatic answer or a complaint (RFC 3464, 3834, 5965, 8098). Pure."""

from crm_mail.delivery.bounces.parsed import ParsedBounce


def read_bounce(data: bytes) -> ParsedBounce | None:
    """What came back, or None when the mail is none of these. Never raises, whatever the bytes are."""
    return None
