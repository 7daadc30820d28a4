"""Signatures by the rules of Standard Webhooks (standardwebhooks.com): HMAC-SHA256 over id, time and body. Pure."""

import base64
import hashlib
import hmac
import secrets

MARK = "whsec_"


def new_secret() -> str:
    """A secret of 256 random bits, as receivers' libraries take it."""
    return MARK + base64.b64encode(secrets.token_bytes(32)).decode()


def signed_headers(secret: str, delivery_id: str, timestamp: int, body: str) -> dict[str, str]:
    """The three headers of a notification.

    Args:
        delivery_id: the same for each try and replay, so that a receiver can do it once.
        timestamp: seconds since 1970, of this try: old ones are refused by receivers.
    """
    key = base64.b64decode(secret.removeprefix(MARK))
    content = f"{delivery_id}.{timestamp}.{body}".encode()
    digest = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{digest}",
    }
