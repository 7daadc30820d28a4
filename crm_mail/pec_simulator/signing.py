"""Detached CMS signatures as PEC operators make them (RFC 5652), put together value by value.

By hand, because the time of signing must be the simulated one, and because SHA-1 and BER of indefinite length are made
by no library of today and by operators still in 2024 and 2026.
"""

import hashlib
from datetime import datetime

from asn1crypto import algos, cms
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding

from crm_mail.pec_simulator.authority import Signer

_HASHES: dict[str, hashes.HashAlgorithm] = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256()}  # noqa: S303


def detached_signature(
    content: bytes, signer: Signer, signed_at: datetime, digest: str = "sha256", is_ber: bool = False
) -> bytes:
    """SignedData over the content, without it.

    Args:
        content: exactly the bytes of the first part, with CRLF.
        digest: `sha256` or `sha1`.
        is_ber: indefinite lengths outside, as Aruba writes them.
    """
    leaf = _asn1(signer.certificate)
    attributes = cms.CMSAttributes(
        [
            cms.CMSAttribute({"type": "content_type", "values": ["data"]}),
            cms.CMSAttribute(
                {
                    "type": "signing_time",
                    "values": [cms.Time({"utc_time": signed_at.replace(microsecond=0)})],
                }
            ),
            cms.CMSAttribute({"type": "message_digest", "values": [hashlib.new(digest, content).digest()]}),
        ]
    )
    signature = signer.key.sign(attributes.dump(), padding.PKCS1v15(), _HASHES[digest])
    algorithm = algos.DigestAlgorithm({"algorithm": digest})
    signed = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [algorithm],
            "encap_content_info": {"content_type": "data"},
            "certificates": [leaf, _asn1(signer.issuer)],
            "signer_infos": [
                {
                    "version": "v1",
                    "sid": cms.SignerIdentifier(
                        {
                            "issuer_and_serial_number": cms.IssuerAndSerialNumber(
                                {"issuer": leaf.issuer, "serial_number": leaf.serial_number}
                            )
                        }
                    ),
                    "digest_algorithm": algorithm,
                    "signed_attrs": attributes,
                    "signature_algorithm": {"algorithm": "rsassa_pkcs1v15"},
                    "signature": signature,
                }
            ],
        }
    )
    if is_ber:
        return _indefinite(signed)
    der: bytes = cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump()
    return der


def _indefinite(signed: cms.SignedData) -> bytes:
    """ContentInfo, its content and SignedData with lengths that end by an end-of-contents mark (X.690 8.1.3.6)."""
    oid = cms.ContentType("signed_data").dump()
    signed.dump()
    return b"\x30\x80" + bytes(oid) + b"\xa0\x80" + b"\x30\x80" + bytes(signed.contents) + b"\x00\x00" * 3


def _asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
