"""Does a certificate lead to an authority that we know, at a given time (RFC 5280 6)? Offline.

The same operator signs thousands of receipts: a path that was found is kept with the time for which it holds.
Revocation is not asked: it needs the network, and its answers of that day cannot be had later.
"""

from collections import OrderedDict
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from threading import Lock
from typing import Any

from asn1crypto import x509
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathBuildingError, ValidationError
from pyhanko_certvalidator.path import ValidationPath

from crm_mail.delivery.pec.mime_parts import cleaned
from crm_mail.delivery.pec.trust_anchors import Anchors

PEC_POLICY = "1.3.76.16.3.1.1"  # certificates of PEC operators (AgID, manuale operativo)
_FORBIDDEN = ("md2", "md5")
_MOST_KNOWN = 500


class ChainRefused(ValueError):
    """No path to a known authority; `code` says why, `detail` its parameters."""

    def __init__(self, code: str, **detail: str) -> None:
        super().__init__(f"{code} {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a certificate says of itself. `addresses`: the mail addresses of its SAN, in lower case."""

    subject: str
    issuer: str
    valid_from: datetime
    valid_until: datetime
    addresses: tuple[str, ...]
    policies: frozenset[str]
    hash_name: str


@dataclass(frozen=True, slots=True)
class Chain:
    """A path: DER, signer first, the anchor last; it holds from `valid_from` to `valid_until`.

    `constraints`: for each authority of the path that restricts mail names, the names it permits.
    """

    path: tuple[bytes, ...] = field(repr=False)
    valid_from: datetime
    valid_until: datetime
    anchor: str
    is_weak: bool  # a certificate below the anchor is signed with SHA-1
    constraints: tuple[frozenset[str], ...]


_known: "OrderedDict[tuple[str, frozenset[str]], Chain]" = OrderedDict()
_lock = Lock()


@lru_cache(maxsize=256)
def facts_of(certificate: bytes) -> CertificateFacts:
    """Of DER. Raises ValueError for what is none."""
    try:
        return _facts(x509.Certificate.load(certificate))
    except Exception as error:  # hostile ASN.1: the library raises many kinds
        raise ValueError(f"not a certificate: {type(error).__name__}") from None


def _facts(certificate: x509.Certificate) -> CertificateFacts:
    names = certificate.subject_alt_name_value
    policies = certificate.certificate_policies_value
    return CertificateFacts(
        subject=_readable(certificate.subject),
        issuer=_readable(certificate.issuer),
        valid_from=certificate.not_valid_before,
        valid_until=certificate.not_valid_after,
        addresses=tuple(n.native.lower() for n in names or () if n.name == "rfc822_name"),
        policies=frozenset(str(p["policy_identifier"].native) for p in policies or ()),
        hash_name=str(certificate.hash_algo),
    )


def _readable(name: x509.Name) -> str:
    return cleaned(str(name.native.get("common_name") or name.human_friendly))[:200]


def find_chain(signer: bytes, others: tuple[bytes, ...], anchors: Anchors, moment: datetime) -> Chain:
    """The path from ``signer`` over ``others`` (DER) to an anchor, valid at ``moment``. Raises `ChainRefused`."""
    key = (sha256(b"".join((signer, *others))).hexdigest(), anchors.fingerprints)
    with _lock:
        known = _known.get(key)
        if known is not None and known.valid_from <= moment <= known.valid_until:
            _known.move_to_end(key)
            return known
    facts = facts_of(signer)
    if moment > facts.valid_until:
        raise ChainRefused("certificate_expired", on=facts.valid_until.isoformat())
    if moment < facts.valid_from:
        raise ChainRefused("certificate_not_yet_valid", on=facts.valid_from.isoformat())
    chain = _search(signer, others, anchors, moment)
    with _lock:
        _known[key] = chain
        while len(_known) > _MOST_KNOWN:
            _known.popitem(last=False)
    return chain


def _search(signer: bytes, others: tuple[bytes, ...], anchors: Anchors, moment: datetime) -> Chain:
    try:
        path = _finished(_usage(signer, others, anchors, moment))
    except PathBuildingError:
        raise ChainRefused("authority_unknown", issuer=facts_of(signer).issuer) from None
    except ValidationError as error:
        raise ChainRefused("chain_invalid", reason=str(error)[:300]) from None
    except Exception as error:  # hostile certificates: the library raises many kinds
        raise ChainRefused("chain_invalid", reason=type(error).__name__) from None
    below = [one for one in reversed(list(path.iter_certs(include_root=False))) if one is not None]
    below = below or [x509.Certificate.load(signer)]  # the signer itself is pinned
    anchor = path.first  # the root
    if any(one.hash_algo in _FORBIDDEN for one in below):
        raise ChainRefused("chain_invalid", reason="MD5")
    return Chain(
        path=(*(one.dump() for one in below), anchor.dump()),
        valid_from=max(one.not_valid_before for one in below),
        valid_until=min(one.not_valid_after for one in below),
        anchor=_readable(anchor.subject),
        is_weak=any(one.hash_algo == "sha1" for one in below),
        constraints=tuple(names for one in below[1:] if (names := _permitted_names(one))),
    )


def _finished(coroutine: Coroutine[Any, Any, ValidationPath]) -> ValidationPath:
    """Without an event loop: offline there is nothing to wait for, and the caller may have a loop of its own."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        path: ValidationPath = end.value
        return path
    coroutine.close()
    raise ChainRefused("chain_invalid", reason="network")


async def _usage(
    signer: bytes, others: tuple[bytes, ...], anchors: Anchors, moment: datetime
) -> ValidationPath:
    context = ValidationContext(
        trust_roots=[x509.Certificate.load(der) for der in anchors.certificates],
        other_certs=[x509.Certificate.load(der) for der in others],
        moment=moment,
        allow_fetching=False,
        revocation_mode="soft-fail",
        weak_hash_algos=set(_FORBIDDEN),  # SHA-1 is accepted and labelled
    )
    leaf = x509.Certificate.load(signer)
    usage = (
        set() if leaf.key_usage_value is None else {"digital_signature"}
    )  # not restricted (RFC 5280 4.2.1.3)
    validator: Any = CertificateValidator(leaf, validation_context=context)
    path: ValidationPath = await validator.async_validate_usage(
        usage, {"email_protection"}, extended_optional=True
    )
    return path


def _permitted_names(authority: x509.Certificate) -> frozenset[str]:
    """The mail names that an authority may certify (RFC 5280 4.2.1.10), in lower case; empty: any."""
    constraints = authority.name_constraints_value
    if constraints is None:
        return frozenset()
    subtrees = constraints["permitted_subtrees"]
    bases = [subtree["base"] for subtree in subtrees or ()]
    return frozenset(str(base.native).lower() for base in bases if base.name == "rfc822_name")


def is_permitted(address: str, names: frozenset[str]) -> bool:
    """Whether constraints permit an address: the mailbox itself, its host, or a `.domain` above its host."""
    host = address.rpartition("@")[2].lower()
    return any(
        name == address.lower()
        if "@" in name
        else host.endswith(name)
        if name.startswith(".")
        else host == name
        for name in names
    )
