"""A detached CMS signature (RFC 5652) taken apart, and its mathematics. BER with indefinite lengths is read too.

Nothing here says who the signer is: see `certificate_chain` and `verification`.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from asn1crypto import cms, x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

MOST_BYTES = 200_000
MOST_CERTIFICATES = 5  # signer, its authority, a root: more only makes paths to try
_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1,
    "sha224": hashes.SHA224,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


class SignatureUnreadable(ValueError):
    """It is no signature that could be checked; `code` says why."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class CmsSignature:
    """One signer's signature. `signed_attributes`: as they are signed (a SET, RFC 5652 5.4); empty: there are none."""

    signer: bytes = field(repr=False)  # DER
    others: tuple[bytes, ...] = field(repr=False)  # DER of the other certificates that came along
    digest_name: str
    message_digest: bytes | None
    signed_at: datetime | None
    signed_attributes: bytes = field(repr=False)
    algorithm: str
    value: bytes = field(repr=False)


def read_signature(data: bytes) -> CmsSignature:
    """Take smime.p7s apart. Raises `SignatureUnreadable`, whatever the bytes are."""
    if not data or len(data) > MOST_BYTES:
        raise SignatureUnreadable("signature_unreadable")
    try:
        return _read(data)
    except SignatureUnreadable:
        raise
    except Exception as error:  # hostile ASN.1: the library raises many kinds
        raise SignatureUnreadable("signature_unreadable", type(error).__name__) from None


def _read(data: bytes) -> CmsSignature:
    info = cms.ContentInfo.load(data)
    if info["content_type"].native != "signed_data":
        raise SignatureUnreadable("signature_unreadable")
    signed = info["content"]
    if len(signed["signer_infos"]) != 1:
        raise SignatureUnreadable("several_signers", str(len(signed["signer_infos"])))
    if signed["encap_content_info"]["content"].native is not None:
        raise SignatureUnreadable("signature_encloses_content")
    found = [choice.chosen.dump() for choice in signed["certificates"] or () if choice.name == "certificate"]
    if len(found) > MOST_CERTIFICATES:
        raise SignatureUnreadable("too_many_certificates", str(len(found)))
    signer_info = signed["signer_infos"][0]
    signer = next((one for one in found if _is_signer(one, signer_info["sid"])), None)
    if signer is None:
        raise SignatureUnreadable("signer_certificate_missing")
    digest = str(signer_info["digest_algorithm"]["algorithm"].native)
    attributes = signer_info["signed_attrs"]
    has_attributes = bool(attributes) and len(attributes) > 0
    values = dict(_single_values(attributes)) if has_attributes else {}
    if has_attributes and values.get("content_type") != "data":
        raise SignatureUnreadable("signature_unreadable", "content_type")
    return CmsSignature(
        signer=signer,
        others=tuple(one for one in found if one != signer),
        digest_name=digest,
        message_digest=values.get("message_digest"),  # type: ignore[arg-type]
        signed_at=values.get("signing_time"),  # type: ignore[arg-type]
        signed_attributes=attributes.untag().dump() if has_attributes else b"",
        algorithm=_algorithm(signer_info, digest),
        value=signer_info["signature"].native,
    )


def _is_signer(certificate: bytes, identifier: cms.SignerIdentifier) -> bool:
    issuer, serial, key_identifier = _names_of(certificate)
    chosen = identifier.chosen
    if identifier.name == "issuer_and_serial_number":
        if chosen["serial_number"].native != serial:
            return False
        wanted = chosen["issuer"].dump()
        return bool(wanted == issuer or x509.Name.load(wanted) == x509.Name.load(issuer))
    return bool(key_identifier == chosen.native)


@lru_cache(maxsize=256)
def _names_of(certificate: bytes) -> tuple[bytes, int, bytes | None]:
    """Issuer (DER), serial number, key identifier."""
    found = x509.Certificate.load(certificate)
    return found.issuer.dump(), found.serial_number, found.key_identifier


def _single_values(attributes: cms.CMSAttributes) -> Iterator[tuple[str, object]]:
    """Name and value; an attribute that stands twice or has several values is refused (RFC 5652 11)."""
    seen: set[str] = set()
    for attribute in attributes:
        name = str(attribute["type"].native)
        if name not in ("content_type", "message_digest", "signing_time"):
            continue
        if name in seen or len(attribute["values"]) != 1:
            raise SignatureUnreadable("signature_unreadable", name)
        seen.add(name)
        yield name, attribute["values"][0].native


def _algorithm(signer_info: cms.SignerInfo, digest: str) -> str:
    algorithm = signer_info["signature_algorithm"]
    name = str(algorithm.signature_algo)
    names_hash = algorithm["algorithm"].native not in ("rsassa_pkcs1v15", "ecdsa")
    if names_hash and algorithm.hash_algo != digest:
        raise SignatureUnreadable("signature_unreadable", "hash_algo")
    return name


def digest_of(content: bytes, name: str) -> bytes | None:
    """None for a digest that is not believed (MD5) or not known."""
    return hashlib.new(name, content, usedforsecurity=False).digest() if name in _HASHES else None


def is_signature_good(signature: CmsSignature, content: bytes) -> bool:
    """Whether the certificate's key signed the attributes (or the content, when there are none)."""
    hash_type = _HASHES.get(signature.digest_name)
    key = _public_key(signature.signer)
    if hash_type is None or key is None:
        return False
    if not signature.signed_attributes:
        return _check(key, signature, content, hash_type())
    if _check(key, signature, signature.signed_attributes, hash_type()):
        return True
    anew = _in_der(signature.signed_attributes)  # for signers that sent other BER than they signed
    return anew != signature.signed_attributes and _check(key, signature, anew, hash_type())


def _in_der(attributes: bytes) -> bytes:
    try:
        return bytes(cms.CMSAttributes.load(attributes).dump(force=True))
    except Exception:  # hostile ASN.1: the library raises many kinds
        return attributes


def _check(key: object, signature: CmsSignature, message: bytes, algorithm: hashes.HashAlgorithm) -> bool:
    try:
        if isinstance(key, rsa.RSAPublicKey) and signature.algorithm == "rsassa_pkcs1v15":
            key.verify(signature.value, message, padding.PKCS1v15(), algorithm)
        elif isinstance(key, rsa.RSAPublicKey) and signature.algorithm == "rsassa_pss":
            pss = padding.PSS(padding.MGF1(algorithm), padding.PSS.AUTO)
            key.verify(signature.value, message, pss, algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey) and signature.algorithm == "ecdsa":
            key.verify(signature.value, message, ec.ECDSA(algorithm))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


@lru_cache(maxsize=128)
def _public_key(certificate: bytes) -> object | None:
    """Of a DER certificate; None when the key cannot be used."""
    try:
        return load_der_public_key(x509.Certificate.load(certificate).public_key.dump())
    except Exception:  # hostile ASN.1: the library raises many kinds
        return None
