"""A certificate authority like the one of the PEC operators: root, intermediate with e-mail name constraints, signers.

The shape is that of Actalis Authentication Root CA, "AgID CA1" and its signer certificates of 2018 to 2026; nothing
else than the shape: nobody outside a test should ever trust it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from crm_mail.sandbox.certificates import write_privately

POLICY_OID = "1.3.76.16.3.1.1"
"""AgID's policy for PEC signers."""
KEY_BITS = 2048
SIGNER_DAYS = 3 * 365
_YEARS_OF_AUTHORITIES = timedelta(days=15 * 365)
_PEM = serialization.Encoding.PEM


@dataclass(frozen=True, slots=True)
class Signer:
    """What an operator signs with: the key, its certificate, and the intermediate that goes into each signature."""

    address: str
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate
    issuer: x509.Certificate


@dataclass(frozen=True, slots=True)
class _Holder:
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate


class Authority:
    """Root and intermediate; issues signers for operators' addresses.

    Args:
        domains: of the operators, the only ones that the intermediate may vouch for (RFC 5280 4.2.1.10).
        name: distinguishes one authority from another that has nothing to do with it.
        starts_at: from when on both certificates are valid.
    """

    def __init__(
        self, domains: tuple[str, ...], name: str = "Simulated PEC", starts_at: datetime | None = None
    ) -> None:
        self.name = name
        start = starts_at or datetime.now(UTC) - timedelta(days=5 * 365)
        root_key, key = _new_key(), _new_key()
        root_name, ca_name = _name(f"{name} Root CA", name), _name(f"{name} CA1", name)
        root = _builder(root_name, root_name, root_key, root_key, start, start + _YEARS_OF_AUTHORITIES)
        self.root = _as_authority(root, None).sign(root_key, hashes.SHA256())
        middle = _builder(ca_name, root_name, key, root_key, start, start + _YEARS_OF_AUTHORITIES)
        permitted = [x509.RFC822Name(domain) for domain in domains]
        middle = (
            _as_authority(middle, 0)
            .add_extension(x509.NameConstraints(permitted, None), critical=True)
            .add_extension(_policies(x509.ObjectIdentifier("2.5.29.32.0")), critical=False)
        )
        self._ca = _Holder(key, middle.sign(root_key, hashes.SHA256()))

    @property
    def root_pem(self) -> bytes:
        """The anchor that a verifier is to be given."""
        return self.root.public_bytes(_PEM)

    @property
    def intermediate(self) -> x509.Certificate:
        """The authority that signs the signers' certificates."""
        return self._ca.certificate

    def issue(
        self,
        address: str,
        *,
        organisation: str = "Simulated operator",
        starts_at: datetime | None = None,
        ends_at: datetime | None = None,
        has_policy: bool = True,
    ) -> Signer:
        """A signer whose only subject alternative name is the address; as a real one unless told otherwise."""
        key = _new_key()
        start = starts_at or datetime.now(UTC) - timedelta(days=365)
        end = ends_at or start + timedelta(days=SIGNER_DAYS)
        builder = _builder(
            _name(address, organisation), self._ca.certificate.subject, key, self._ca.key, start, end
        )
        builder = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(is_authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(address)]), critical=False)
        )
        if has_policy:
            builder = builder.add_extension(_policies(x509.ObjectIdentifier(POLICY_OID)), critical=False)
        certificate = builder.sign(self._ca.key, hashes.SHA256())
        return Signer(address, key, certificate, self._ca.certificate)

    def save(self, folder: Path) -> None:
        """Keeps root and intermediate, so that what is signed before and after a restart has the same anchor."""
        folder.mkdir(parents=True, exist_ok=True)
        secret = self._ca.key.private_bytes(
            _PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_privately(folder / "intermediate.key", secret)
        (folder / "intermediate.pem").write_bytes(self._ca.certificate.public_bytes(_PEM))
        (folder / "root.pem").write_bytes(self.root_pem)

    @classmethod
    def in_folder(cls, folder: Path, domains: tuple[str, ...]) -> "Authority":
        """The authority kept there; a new one when there is none, or when it may not vouch for these domains."""
        try:
            kept = cls.__new__(cls)
            kept.name = "Simulated PEC"
            key = serialization.load_pem_private_key((folder / "intermediate.key").read_bytes(), None)
            kept.root = x509.load_pem_x509_certificate((folder / "root.pem").read_bytes())
            certificate = x509.load_pem_x509_certificate((folder / "intermediate.pem").read_bytes())
        except (OSError, ValueError):
            kept = cls(domains)
        else:
            assert isinstance(key, rsa.RSAPrivateKey)
            kept._ca = _Holder(key, certificate)
            allowed = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
            if {name.value for name in allowed.permitted_subtrees or []} != set(domains):
                kept = cls(domains)
        kept.save(folder)
        return kept


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)


def _name(common_name: str, organisation: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "IT"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: rsa.RSAPrivateKey,
    issuer_key: rsa.RSAPrivateKey,
    start: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )


def _as_authority(builder: x509.CertificateBuilder, path_length: int | None) -> x509.CertificateBuilder:
    return builder.add_extension(
        x509.BasicConstraints(ca=True, path_length=path_length), critical=True
    ).add_extension(_usage(is_authority=True), critical=True)


def _usage(is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _policies(oid: x509.ObjectIdentifier) -> x509.CertificatePolicies:
    return x509.CertificatePolicies([x509.PolicyInformation(oid, None)])
