"""PEC operators of our own, with their authorities, and the receipts they sign; nothing of the product is used here.

Signatures are made by `cryptography`; the openssl command is the second opinion.
"""

import shutil
import subprocess
from base64 import encodebytes
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from crm_mail.delivery.pec.trust_anchors import Anchors

POLICY = x509.ObjectIdentifier("1.3.76.16.3.1.1")
DOMAIN = "pec.operator.example"
OURS = "<20261122.1@crm.example>"
SENDER = "ufficio@pec.example"
RECIPIENT = "cliente@pec.example"
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Holder:
    """A certificate and its key."""

    key: Key
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


@dataclass(frozen=True)
class Authority:
    """A root and, below it, an authority that may certify ``domains`` only."""

    root: Holder
    middle: Holder

    @property
    def anchors(self) -> Anchors:
        return Anchors((self.root.der,))

    def operator(self, **options: object) -> "Operator":
        """Who signs; see `certificate` for the options."""
        key = ec.generate_private_key(ec.SECP256R1()) if options.pop("is_ec", True) else new_rsa()
        holder = certificate("Operator", key, self.middle, **options)  # type: ignore[arg-type]
        return Operator(holder, (self.middle.certificate,))


@dataclass(frozen=True)
class Operator:
    """Signs what it is given."""

    holder: Holder
    chain: tuple[x509.Certificate, ...]

    def signature(self, content: bytes, digest: hashes.HashAlgorithm | None = None) -> bytes:
        builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
        builder = builder.add_signer(self.holder.certificate, self.holder.key, digest or hashes.SHA256())
        for one in self.chain:
            builder = builder.add_certificate(one)
        return builder.sign(Encoding.DER, [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary])


def new_rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def new_authority(domains: tuple[str, ...] = (DOMAIN,), name: str = "Test") -> Authority:
    start, end = days(-4000), days(4000)
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name = _name(f"{name} Root CA")
    root = _built(root_name, root_name, root_key, start, end).add_extension(
        x509.BasicConstraints(True, None), True
    )
    root_holder = Holder(root_key, root.sign(root_key, hashes.SHA256()))
    middle = _built(_name(f"{name} CA1"), root_name, key, start, end)
    middle = middle.add_extension(x509.BasicConstraints(True, 0), True)
    if domains:
        names = x509.NameConstraints([x509.RFC822Name(domain) for domain in domains], None)
        middle = middle.add_extension(names, True)
    return Authority(root_holder, Holder(key, middle.sign(root_key, hashes.SHA256())))


def certificate(
    subject: str,
    key: Key,
    issuer: Holder,
    address: str = f"posta-certificata@{DOMAIN}",
    start: datetime | None = None,
    end: datetime | None = None,
    has_policy: bool = True,
) -> Holder:
    """An operator's certificate as real ones are."""
    builder = _built(_name(subject), issuer.certificate.subject, key, start or days(-100), end or days(900))
    builder = builder.add_extension(x509.BasicConstraints(False, None), True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
    usage = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    builder = builder.add_extension(x509.KeyUsage(digital_signature=True, **usage), True)
    if address:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.RFC822Name(address)]), False)
    if has_policy:
        builder = builder.add_extension(
            x509.CertificatePolicies([x509.PolicyInformation(POLICY, None)]), False
        )
    return Holder(key, builder.sign(issuer.key, hashes.SHA256()))


def _built(
    subject: x509.Name, issuer: x509.Name, key: Key, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    return builder.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def days(count: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=count)


@dataclass(frozen=True)
class Receipt:
    """What a receipt says; `signed_part()` and `mail()` make its bytes."""

    tipo: str = "avvenuta-consegna"
    errore: str = "nessuno"
    recipients: tuple[tuple[str, str], ...] = ((RECIPIENT, "certificato"),)
    msgid: str = OURS
    at: datetime | None = None
    form: str = ""
    consegna: str = ""
    detail: str = ""
    prologue: str = '<?xml version="1.0" encoding="UTF-8"?>'
    postacert: bytes | None = None
    daticert: bytes | None = None  # instead of the one that the other values give
    copies: int = 1  # of daticert.xml
    headers: tuple[str, ...] | None = (
        None  # instead of X-Ricevuta or X-Trasporto, and X-Riferimento-Message-ID
    )
    sender: str = f"posta-certificata@{DOMAIN}"

    def xml(self) -> bytes:
        if self.daticert is not None:
            return self.daticert
        at = (self.at or datetime.now(UTC)).astimezone(UTC)
        lines = [
            self.prologue,
            f'<postacert tipo="{self.tipo}" errore="{self.errore}"><intestazione><mittente>{SENDER}</mittente>',
            *(f'<destinatari tipo="{kind}">{address}</destinatari>' for address, kind in self.recipients),
            f"<risposte>{SENDER}</risposte><oggetto>Fattura n. 1 &amp; allegati</oggetto></intestazione><dati>",
            "<gestore-emittente>Operator S.p.A.</gestore-emittente>",
            f'<data zona="+0000"><giorno>{at:%d/%m/%Y}</giorno><ora>{at:%H:%M:%S}</ora></data>',
            f"<identificativo>opec1.2@{DOMAIN}</identificativo>",
            f"<msgid>{escape(self.msgid)}</msgid>" if self.msgid else "",
            f'<ricevuta tipo="{self.form}" />' if self.form else "",
            f"<consegna>{self.consegna}</consegna>" if self.consegna else "",
            f"<errore-esteso>{escape(self.detail)}</errore-esteso>" if self.detail else "",
            "</dati></postacert>",
        ]
        return "\n".join(lines).encode()

    def signed_part(self) -> bytes:
        xml = encodebytes(self.xml()).replace(b"\n", b"\r\n")
        parts = [b"Content-Type: text/plain; charset=iso-8859-1\r\n\r\n-- Ricevuta --\r\n"]
        parts += [
            b'Content-Type: application/xml; name="daticert.xml"\r\nContent-Transfer-Encoding: base64\r\n'
            b'Content-Disposition: inline; filename="daticert.xml"\r\n\r\n' + xml
        ] * self.copies
        if self.postacert is not None:
            parts.append(b'Content-Type: message/rfc822; name="postacert.eml"\r\n\r\n' + self.postacert)
        return multipart("mixed", "inner", *parts)

    def head(self) -> list[str]:
        transport = self.tipo == "posta-certificata"
        own = (
            ("X-Trasporto: " if transport else "X-Ricevuta: ") + self.tipo,
            f"X-Riferimento-Message-ID: {self.msgid}",
        )
        name = f'"Per conto di: {SENDER}" ' if transport else ""
        return [
            "Return-Path: <a@b.example>",
            *(own if self.headers is None else self.headers),
            f"From: {name}<{self.sender}>",
            f"To: {SENDER}",
            "Subject: CONSEGNA: Fattura n. 1",
            f"Message-ID: <opec9.9@{DOMAIN}>",
            "MIME-Version: 1.0",
        ]

    def mail(self, operator: Operator, signature: bytes | None = None) -> bytes:
        content = self.signed_part()
        p7s = operator.signature(content) if signature is None else signature
        return with_signature(self.head(), content, p7s)

    def but(self, **changes: object) -> "Receipt":
        return replace(self, **changes)  # type: ignore[arg-type]


def with_signature(head: list[str], content: bytes, signature: bytes) -> bytes:
    """multipart/signed of a content and its signature."""
    p7s = (
        b'Content-Type: application/x-pkcs7-signature; name="smime.p7s"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        + encodebytes(signature).replace(b"\n", b"\r\n")
    )
    kind = 'signed; protocol="application/x-pkcs7-signature"; micalg="sha-256"'
    return "\r\n".join(head).encode() + b"\r\n" + multipart(kind, "outer", content, p7s)


def multipart(kind: str, boundary: str, *parts: bytes) -> bytes:
    head = f'Content-Type: multipart/{kind}; boundary="----{boundary}"\r\n\r\nThis is for old programs.\r\n'.encode()
    delimiter = f"------{boundary}".encode()
    return (
        head
        + b"".join(b"\r\n" + delimiter + b"\r\n" + part for part in parts)
        + b"\r\n"
        + delimiter
        + b"--\r\n"
    )


def openssl_verifies(
    mail: bytes, folder: Path, root: Holder | None = None, at: datetime | None = None
) -> bool:
    """The independent opinion: digest and signature; with ``root`` also the chain."""
    program = shutil.which("openssl")
    assert program, "openssl is needed: apt-get install openssl"
    path = folder / "mail.eml"
    path.write_bytes(mail)
    trust = ["-noverify"]
    if root is not None:
        (folder / "root.pem").write_bytes(root.certificate.public_bytes(Encoding.PEM))
        trust = ["-CAfile", str(folder / "root.pem"), "-purpose", "any"]
        trust += ["-attime", str(int(at.timestamp()))] if at else []
    command = [program, "cms", "-verify", "-in", str(path), "-out", str(folder / "out"), *trust]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
