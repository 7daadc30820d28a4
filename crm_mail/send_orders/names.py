"""Names of the files (PM-2): `_CFD_MAIL_REQ_<id>.XML`, and of the answers that are put beside them. Pure."""

import re
from typing import Final

from crm_mail.refusals import Refusal

PREFIX: Final = "_CFD_MAIL_REQ_"
RESULT_PREFIX: Final = "_CFD_MAIL_RES_"
LONGEST_ID: Final = 100
_ORDER: Final = re.compile(r"_CFD_MAIL_REQ_(?P<id>[^/\\\x00-\x1f]+)\.XML", re.IGNORECASE)
_OWN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class OrderIdInvalid(Refusal, ValueError):
    """An id of ours that could not be part of a file's name."""

    def __init__(self, id_: str) -> None:
        super().__init__(
            f"{id_[:40]!r} cannot be the id of a send order: letters, digits, dot, hyphen, at most 100"
        )


def order_id(name: str) -> str | None:
    """The id in a file's name, whatever its capitals; None when the name is not that of a send order.

    The id is unique for each order: the user's session followed by date and time, in the files of Proscai.
    """
    found = _ORDER.fullmatch(name)
    if found is None or len(found["id"]) > LONGEST_ID or not found["id"].strip():
        return None
    return found["id"].strip()


def order_name(id_: str) -> str:
    """The name of a file with an id of ours.

    Raises:
        OrderIdInvalid: it would not be a plain name.
    """
    if not _OWN_ID.fullmatch(id_):
        raise OrderIdInvalid(id_)
    return f"{PREFIX}{id_}.XML"


def result_name(name: str) -> str:
    """The name of the answer to an order's file."""
    id_ = order_id(name) or re.sub(r"\.xml$", "", name, flags=re.IGNORECASE)
    return f"{RESULT_PREFIX}{id_}.XML"
