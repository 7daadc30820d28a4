"""Certificates of a private authority that an account trusts beside the system's: read, checked, described (pure).

An authority's certificate may be uploaded as PEM (one or several) or DER; only the certificates are kept, so a
private key that lies in the same file is not.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from crm_mail.delivery.account_rules import AccountInvalid, AccountProblem, Problem

MAX_BYTES = 100_000
FIELD = "ca_upload"


@dataclass(frozen=True, slots=True)
class Authority:
    """A trusted certificate: whose it is, and until when (UTC)."""

    name: str
    expires_at: datetime


def authority_pem(data: bytes, at: datetime) -> str:
    """The certificates of an uploaded file as PEM text.

    Args:
        at: the present moment, UTC.

    Raises:
        AccountInvalid: too large, no certificate in it, expired, or a server's certificate that another
            authority signed (RFC 5280 4.2.1.9: only an authority vouches for others).
    """
    if len(data) > MAX_BYTES:
        raise _invalid(Problem.FILE_TOO_LARGE, limit=f"{MAX_BYTES // 1000} KB")
    found = _read(data)
    if not found:
        raise _invalid(Problem.NO_CERTIFICATE)
    for certificate in found:
        name = _name(certificate)
        if certificate.not_valid_after_utc <= at:
            day = certificate.not_valid_after_utc.strftime("%d/%m/%Y")
            raise _invalid(Problem.CERTIFICATE_EXPIRED, value=name, day=day)
        if not _is_authority(certificate) and certificate.subject != certificate.issuer:
            raise _invalid(Problem.NOT_AN_AUTHORITY, value=name)
    return "".join(certificate.public_bytes(Encoding.PEM).decode("ascii") for certificate in found)


def describe_authorities(pem: str | bytes) -> list[Authority]:
    """What an account trusts, for its page; nothing when there is none or it cannot be read."""
    found = _read(pem.encode() if isinstance(pem, str) else pem) if pem else []
    return [Authority(_name(one), one.not_valid_after_utc.astimezone(UTC)) for one in found]


def _read(data: bytes) -> list[x509.Certificate]:
    try:
        if b"-----BEGIN" in data:
            return x509.load_pem_x509_certificates(data)
        return [x509.load_der_x509_certificate(data)]
    except (ValueError, x509.UnsupportedGeneralNameType):
        return []


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return False


def _name(certificate: x509.Certificate) -> str:
    """The common name, or the whole subject when it has none."""
    common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(common[0].value) if common else certificate.subject.rfc4514_string()


def _invalid(problem: Problem, **params: str) -> AccountInvalid:
    return AccountInvalid([AccountProblem(FIELD, problem, tuple(params.items()))])
