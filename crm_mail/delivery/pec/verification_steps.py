"""The steps of checking a receipt's signature, each with a code that pages put into words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from crm_mail.delivery.pec.certificate_chain import (
    PEC_POLICY,
    Chain,
    ChainRefused,
    facts_of,
    find_chain,
    is_permitted,
)
from crm_mail.delivery.pec.cms_signature import (
    CmsSignature,
    SignatureUnreadable,
    digest_of,
    is_signature_good,
    read_signature,
)
from crm_mail.delivery.pec.mime_parts import with_crlf
from crm_mail.delivery.pec.receipt import ParsedReceipt
from crm_mail.delivery.pec.signed_message import SignedMessage
from crm_mail.delivery.pec.trust_anchors import Anchors
from crm_mail.delivery.pec.verdict import Step, StepName

CLOCKS_DIFFER = timedelta(days=1)  # how far ahead of this computer's clock a signature may be
SIGNED_WITHIN = timedelta(hours=1)  # between the time that daticert.xml certifies and the signature


@dataclass
class Case:
    """What the steps share while they are taken one after the other."""

    message: SignedMessage
    receipt: ParsedReceipt | None
    fault: str  # why it cannot be read
    anchors: Anchors
    now: datetime
    expected_id: str
    signature: CmsSignature | None = None
    chain: Chain | None = None
    weak: bool = False

    @property
    def moment(self) -> datetime | None:
        """When it was signed: the signature's own time, else the receipt's."""
        if self.signature is not None and self.signature.signed_at is not None:
            return self.signature.signed_at
        return self.receipt.occurred_at if self.receipt is not None else None


def steps_of(case: Case) -> Iterator[Step]:
    """All steps, in order; what a failed one makes impossible is not checked."""
    yield (structure := _structure(case))
    if not structure.is_ok or case.signature is None:
        for name in (StepName.DIGEST, StepName.SIGNATURE, StepName.CHAIN):
            yield Step(name, None, "not_checked")
    else:
        yield _digest(case, case.signature)
        yield (signature := _signature(case, case.signature))
        yield _chain(case, case.signature) if signature.is_ok else Step(StepName.CHAIN, None, "not_checked")
    if case.chain is None:
        for name in (StepName.SENDER, StepName.DOMAIN, StepName.POLICY):
            yield Step(name, None, "not_checked")
    else:
        yield _sender(case, case.chain)
        yield _domain(case.chain)
        yield _policy(case.chain)
    yield _receipt(case)
    yield _time(case)
    yield _headers(case)
    if case.expected_id:
        yield _reference(case)


def _structure(case: Case) -> Step:
    if case.message.signed is None:
        return Step(StepName.STRUCTURE, False, "not_signed")
    signature = case.message.signature
    if signature is None:
        return Step(StepName.STRUCTURE, False, "signature_missing")
    try:
        case.signature = read_signature(signature)
    except SignatureUnreadable as unreadable:
        return Step(StepName.STRUCTURE, False, unreadable.code, {"what": unreadable.detail})
    return Step(StepName.STRUCTURE, True, "structure_good")


def canonical(content: bytes) -> bytes:
    """With CRLF at the end of each line (RFC 8551 3.1.1); stores and version control keep LF alone."""
    return content if content.count(b"\n") == content.count(b"\r\n") else with_crlf(content)


def _digest(case: Case, signature: CmsSignature) -> Step:
    content = case.message.content.raw
    detail = {"algorithm": signature.digest_name}
    if signature.message_digest is None:
        return Step(StepName.DIGEST, None, "digest_not_separate", detail)
    found = digest_of(canonical(content), signature.digest_name)
    if found is None:
        return Step(StepName.DIGEST, False, "digest_unknown", detail)
    if signature.message_digest not in (found, digest_of(content, signature.digest_name)):
        return Step(StepName.DIGEST, False, "digest_different", detail)
    is_weak = signature.digest_name == "sha1"
    case.weak = case.weak or is_weak
    return Step(StepName.DIGEST, True, "digest_equal_weak" if is_weak else "digest_equal", detail)


def _signature(case: Case, signature: CmsSignature) -> Step:
    detail = {"algorithm": signature.algorithm, "digest": signature.digest_name}
    if not is_signature_good(signature, canonical(case.message.content.raw)):
        return Step(StepName.SIGNATURE, False, "signature_wrong", detail)
    if signature.signed_attributes and signature.message_digest is None:
        return Step(StepName.SIGNATURE, False, "signature_wrong", detail)  # it would sign no content at all
    case.weak = case.weak or signature.digest_name == "sha1"
    return Step(StepName.SIGNATURE, True, "signature_good", detail)


def _chain(case: Case, signature: CmsSignature) -> Step:
    if case.moment is None:
        return Step(StepName.CHAIN, False, "signing_time_unknown")
    try:
        case.chain = find_chain(signature.signer, signature.others, case.anchors, case.moment)
    except ChainRefused as refused:
        return Step(StepName.CHAIN, False, refused.code, refused.detail)
    except ValueError:
        return Step(StepName.CHAIN, False, "certificate_unreadable")
    facts = facts_of(case.chain.path[0])
    case.weak = case.weak or case.chain.is_weak
    detail = {"signer": facts.subject, "issuer": facts.issuer, "anchor": case.chain.anchor}
    return Step(StepName.CHAIN, True, "chain_good_weak" if case.chain.is_weak else "chain_good", detail)


def _sender(case: Case, chain: Chain) -> Step:
    addresses = facts_of(chain.path[0]).addresses
    senders = set(case.message.mail.addresses("from"))
    detail = {"from": ", ".join(sorted(senders))[:200], "certificate": ", ".join(addresses)[:200]}
    if not addresses:
        return Step(StepName.SENDER, False, "certificate_without_address", detail)
    if not senders or not senders <= set(addresses):
        return Step(StepName.SENDER, False, "sender_differs", detail)
    return Step(StepName.SENDER, True, "sender_equal", detail)


def _domain(chain: Chain) -> Step:
    addresses = facts_of(chain.path[0]).addresses
    detail = {"domain": ", ".join(sorted({a.rpartition("@")[2] for a in addresses}))[:200]}
    if not chain.constraints:
        return Step(StepName.DOMAIN, None, "domain_not_restricted", detail)
    if all(is_permitted(address, names) for address in addresses for names in chain.constraints):
        return Step(StepName.DOMAIN, True, "domain_permitted", detail)
    return Step(StepName.DOMAIN, False, "domain_not_permitted", detail)


def _policy(chain: Chain) -> Step:
    has_it = PEC_POLICY in facts_of(chain.path[0]).policies
    return Step(StepName.POLICY, has_it, "policy_pec" if has_it else "policy_missing", {"policy": PEC_POLICY})


def _receipt(case: Case) -> Step:
    if case.receipt is not None:
        return Step(StepName.RECEIPT, True, "receipt_readable", {"type": case.receipt.raw_type})
    return Step(
        StepName.RECEIPT,
        False,
        "receipt_unreadable" if case.fault else "receipt_missing",
        {"what": case.fault},
    )


def _time(case: Case) -> Step:
    signed_at = case.signature.signed_at if case.signature is not None else None
    if signed_at is None:
        return Step(StepName.TIME, None, "not_checked")
    detail = {"signed": signed_at.astimezone(UTC).isoformat()}
    if signed_at > case.now + CLOCKS_DIFFER:
        return Step(StepName.TIME, False, "signed_in_future", detail)
    certified = case.receipt.occurred_at if case.receipt is not None else None
    if certified is None:
        return Step(StepName.TIME, None, "time_not_certified", detail)
    detail["certified"] = certified.isoformat()
    is_close = abs(signed_at - certified) <= SIGNED_WITHIN
    return Step(StepName.TIME, is_close, "time_fits" if is_close else "time_differs", detail)


def _headers(case: Case) -> Step:
    if case.receipt is None:
        return Step(StepName.HEADERS, None, "not_checked")
    differing = ", ".join(case.receipt.disagreements)
    return Step(
        StepName.HEADERS,
        not differing,
        "headers_differ" if differing else "headers_agree",
        {"which": differing},
    )


def _reference(case: Case) -> Step:
    found = case.receipt.reference_id if case.receipt is not None else ""
    is_ours = found == case.expected_id
    detail = {"expected": case.expected_id, "found": found}
    return Step(StepName.REFERENCE, is_ours, "reference_equal" if is_ours else "reference_other", detail)
