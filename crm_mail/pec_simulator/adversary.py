"""Mails that want to be believed and must not be: each is a genuine one with one thing wrong.

All take an issuer that is genuine otherwise; what a reader should find is said with each.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes

from crm_mail.pec_simulator.assembling import Content, assemble, date_header, wrap
from crm_mail.pec_simulator.authority import Authority, Signer
from crm_mail.pec_simulator.issuer import Accepted, Issuer
from crm_mail.pec_simulator.original import read_original
from crm_mail.pec_simulator.signing import detached_signature
from crm_mail.pec_simulator.skins import DOMAINS

_XXE = (
    '<!DOCTYPE postacert [<!ENTITY secret SYSTEM "file:///etc/passwd">]>',
    "<oggetto>&secret;</oggetto>",
)
_LAUGHS = (
    "<!DOCTYPE postacert [<!ENTITY a0 'ha'>"
    + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))
    + "]>",
    "<oggetto>&a9;</oggetto>",
)


def forged_headers(receipt: bytes, kind: str = "avvenuta-consegna") -> bytes:
    """A genuine receipt with headers put before it that say something else: the signature still verifies.

    To be found: header and daticert disagree; the daticert counts.
    """
    return f"X-Ricevuta: {kind}\r\nSubject: CONSEGNA: inventata\r\n".encode() + receipt


def replayed(receipt: bytes, message_id: str) -> bytes:
    """Another message's receipt with our Message-ID in its headers. To be found: msgid is another one."""
    head, separator, body = receipt.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"x-riferimento-message-id")]
    lines.insert(1, f"X-Riferimento-Message-ID: {message_id}".encode())
    return b"\r\n".join(lines) + separator + body


def through_a_mailing_list(mail: bytes, list_address: str) -> bytes:
    """A genuine envelope or receipt that a mailing list has wrapped, with a footer of its own, bytes untouched.

    To be found: what is signed lies one level deeper; From is still the operator's.
    """
    head, _, body = mail.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    at = next(n for n, line in enumerate(lines) if line.lower().startswith(b"content-type:"))
    signed = b"\r\n".join(lines[at:]).partition(b"\r\nMessage-ID")[0]
    kept = [line for line in lines[:at] if not line.lower().startswith(b"mime-version:")]
    kept += [f"List-Id: <{list_address.replace('@', '.')}>".encode(), b"MIME-Version: 1.0"]
    kept.append(b'Content-Type: multipart/mixed; boundary="=_list"')
    footer = f"--=_list\r\nContent-Type: text/plain\r\n\r\n{list_address}\r\n--=_list--\r\n".encode()
    return b"\r\n".join([*kept, b"", b"--=_list", signed, b"", body.rstrip(b"\r\n"), footer])


def altered_daticert(receipt: bytes) -> bytes:
    """Somebody put a letter into the signed part. To be found: the digest differs."""
    head, marker, rest = receipt.partition(b"PD94bWwg")  # '<?xml ' in base64
    return head + marker + (b"Z" if rest[:1] != b"Z" else b"Y") + rest[1:]


def by_another_authority(issuer: Issuer, message: Accepted, at: datetime, recipient: str) -> bytes:
    """All as it should be, from an authority that nobody knows. To be found: no chain to an anchor."""
    other = Authority(DOMAINS, name="Simulated PEC")
    return _signed_by(issuer, other.issue(issuer.skin.address)).delivery(message, at, recipient)


def by_an_expired_signer(issuer: Issuer, authority: Authority, message: Accepted, recipient: str) -> bytes:
    """Signed today with a certificate that ended a year ago. To be found: not valid at the time of signing."""
    now = datetime.now(UTC)
    signer = authority.issue(
        issuer.skin.address, starts_at=now - timedelta(days=4 * 365), ends_at=now - timedelta(days=365)
    )
    return _signed_by(issuer, signer).delivery(message, now, recipient)


def by_a_signer_without_policy(
    issuer: Issuer, authority: Authority, message: Accepted, at: datetime, recipient: str
) -> bytes:
    """The certificate does not say that it is for PEC. To be found: no policy 1.3.76.16.3.1.1."""
    return _signed_by(issuer, authority.issue(issuer.skin.address, has_policy=False)).delivery(
        message, at, recipient
    )


def from_somebody_else(issuer: Issuer, message: Accepted, at: datetime, recipient: str) -> bytes:
    """From another operator's address than the certificate's. To be found: SAN differs from From."""
    skin = replace(issuer.skin, domain="altro.simulated.example")
    return Issuer(skin, issuer.signer, issuer.is_certified).delivery(message, at, recipient)


def outside_the_constraints(
    issuer: Issuer, authority: Authority, message: Accepted, at: datetime, recipient: str
) -> bytes:
    """A signer for a domain that the intermediate may not vouch for. To be found: name constraints violated."""
    skin = replace(issuer.skin, domain="pec.evil.example")
    return Issuer(skin, authority.issue(skin.address), issuer.is_certified).delivery(message, at, recipient)


def nested_in_a_reply(issuer: Issuer, fake: bytes, attacker: str, victim: str, at: datetime) -> bytes:
    """A genuine envelope that encloses a receipt. To be found: an envelope of the attacker, no receipt."""
    head = f"From: {attacker}\r\nTo: {victim}\r\n".encode()
    lines = [
        line
        for line in fake.partition(b"\r\n\r\n")[0].split(b"\r\n")
        if not line.lower().startswith((b"from:", b"to:", b"return-path:"))
    ]
    content = head + b"\r\n".join(lines) + b"\r\n\r\n" + fake.partition(b"\r\n\r\n")[2]
    return issuer.envelope(issuer.take(read_original(content, attacker, (victim,)), at), at)


def with_entity(issuer: Issuer, message: Accepted, at: datetime, recipient: str) -> bytes:
    """A daticert that wants a file of ours (XXE), genuinely signed. To be found: nothing of the file."""
    return _with_subject(issuer, message, at, recipient, *_XXE)


def billion_laughs(issuer: Issuer, message: Accepted, at: datetime, recipient: str) -> bytes:
    """A daticert that becomes gigabytes when its entities are told. To be found: refused at once."""
    return _with_subject(issuer, message, at, recipient, *_LAUGHS)


def without_daticert(issuer: Issuer, message: Accepted, at: datetime, recipient: str) -> bytes:
    """Headers of a receipt, signed, and nothing certified."""
    return _with_daticert(issuer, message, at, recipient, None)


def malformed_daticert(issuer: Issuer, message: Accepted, at: datetime, recipient: str) -> bytes:
    """A daticert that ends too early."""
    return _with_daticert(
        issuer, message, at, recipient, b'<?xml version="1.0"?><postacert tipo="avvenuta-consegna">'
    )


def unknown_type(issuer: Issuer, message: Accepted, at: datetime, recipient: str) -> bytes:
    """A type that is not in the DTD: to be kept as it is, and not to be taken for anything."""
    daticert = _delivery_xml(issuer, message, at, recipient)
    return _with_daticert(issuer, message, at, recipient, daticert.replace(b"avvenuta-consegna", b"novita"))


def unsigned(issuer: Issuer, message: Accepted, at: datetime, recipient: str) -> bytes:
    """A receipt whose signature was taken away: multipart/mixed with all the rest."""
    receipt = issuer.delivery(message, at, recipient)
    head, _, rest = receipt.partition(b"\r\nMIME-Version:")
    boundary = message_from_bytes(receipt).get_boundary(failobj="")
    return head + b"\r\n" + rest.split(f"--{boundary}\r\n".encode())[1]


def signed_twice_over(receipt: bytes, issuer: Issuer, at: datetime) -> bytes:
    """A receipt of somebody else as the signed part of a mail of one's own: to be read as neither."""
    inner = b"Content-Type: message/rfc822\r\n\r\n" + receipt
    headers = [("From", issuer.skin.address), ("Subject", "CONSEGNA: doppia"), ("Date", date_header(at))]
    return wrap(headers, inner, detached_signature(inner, issuer.signer, at), issuer.skin)


def all_deliveries() -> dict[str, Callable[[Issuer, Accepted, datetime, str], bytes]]:
    """By name, those that need nothing but a genuine issuer: a delivery that must not be believed or read."""
    return {
        "by_another_authority": by_another_authority,
        "from_somebody_else": from_somebody_else,
        "with_entity": with_entity,
        "billion_laughs": billion_laughs,
        "without_daticert": without_daticert,
        "malformed_daticert": malformed_daticert,
        "unknown_type": unknown_type,
        "unsigned": unsigned,
    }


def _signed_by(issuer: Issuer, signer: Signer) -> Issuer:
    return Issuer(issuer.skin, signer, issuer.is_certified)


def _delivery_xml(issuer: Issuer, message: Accepted, at: datetime, recipient: str) -> bytes:
    values = issuer.certify(message, "avvenuta-consegna", at, delivery=recipient, form="sintetica")
    return values.xml()


def _with_subject(
    issuer: Issuer, message: Accepted, at: datetime, recipient: str, doctype: str, subject: str
) -> bytes:
    xml = _delivery_xml(issuer, message, at, recipient).decode()
    before, rest = xml.split("<oggetto>")
    xml = before + subject + rest.partition("</oggetto>")[2]
    xml = xml.replace("?>", f"?>{doctype}", 1)
    return _with_daticert(issuer, message, at, recipient, xml.encode())


def _with_daticert(
    issuer: Issuer, message: Accepted, at: datetime, recipient: str, daticert: bytes | None
) -> bytes:
    original = message.original
    headers = [
        ("Subject", "CONSEGNA: prova"),
        ("X-Riferimento-Message-ID", original.message_id),
        ("Date", date_header(at)),
        ("To", original.sender),
        ("X-Ricevuta", "avvenuta-consegna"),
        ("From", issuer.skin.address),
        ("Message-ID", f"<{at.timestamp()}.{recipient}@{issuer.skin.domain}>"),
    ]
    content = Content("Ricevuta di avvenuta consegna", "Consegnato.\n", daticert)
    return assemble(headers, content, issuer.signer, issuer.skin, at)
