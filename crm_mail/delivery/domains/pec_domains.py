"""What a domain's name and its mail servers say about PEC (pure).

Names cannot decide: on 76 domains that operators certified, "contains pec" finds 30, and the best rule on names misses
five. Domains are compared whole, servers by their most specific suffix: `aruba.it` is ordinary and `pec.aruba.it` is
PEC; `notariato.it` is ordinary and `postacertificata.notariato.it` is PEC. The lists come from public sources: the
operators' domains from the name constraints of the authority's certificate (AgID CA1, 2025).
"""

from dataclasses import dataclass
from enum import StrEnum

from crm_mail.delivery.domains.resolver import Answer, Status
from crm_mail.delivery.routing import AddressKind


class Reason(StrEnum):
    """Why an address is held to be what it is, or why that is not known."""

    PERSON = "person"
    RECEIPT = "receipt"
    REGISTRY = "registry"
    MAILBOX_DOMAIN = "mailbox_domain"  # an operator sells boxes on this domain, and nothing but PEC
    OPERATOR_DOMAIN = "operator_domain"  # an operator's own certified domain
    ORDINARY_DOMAIN = "ordinary_domain"  # a well-known provider of ordinary boxes
    MX_OPERATOR = "mx_operator"  # an operator's servers take its mail
    MX_ORDINARY = "mx_ordinary"  # a well-known ordinary provider's servers take its mail
    MX_OWN = "mx_own"  # its own servers take it, and only an operator may run PEC
    MX_MIXED = "mx_mixed"  # an operator's servers and others: no PEC domain has both
    MX_UNKNOWN = "mx_unknown"  # servers that nobody here knows
    NO_MX = "no_mx"
    NULL_MX = "null_mx"  # the domain takes no mail
    NO_DOMAIN = "no_domain"  # the domain does not exist
    COULD_NOT_CHECK = "could_not_check"
    NOT_CHECKED = "not_checked"  # nobody has looked yet


@dataclass(frozen=True, slots=True)
class Opinion:
    """What is thought of a domain; ``detail``: the evidence, such as the server's name."""

    kind: AddressKind
    reason: Reason
    detail: str = ""


def looks_like_pec(name: str) -> bool:
    """Whether a domain's name suggests PEC: reason enough to ask, never to decide."""
    return any(
        label.startswith(("pec", "cert", "postacert", "pcert", "legalmail"))
        or label.endswith(("pec", "cert", "legalmail"))
        for label in name.split(".")[:-1]
    )


def judge_by_list(domain: str) -> Opinion | None:
    """What the lists say of a whole domain, in lower case; None: it is in none of them."""
    if domain in MAILBOX_DOMAINS:
        return Opinion(AddressKind.PEC, Reason.MAILBOX_DOMAIN, domain)
    if domain in OPERATOR_DOMAINS:
        return Opinion(AddressKind.PEC, Reason.OPERATOR_DOMAIN, domain)
    if domain in ORDINARY_DOMAINS:
        return Opinion(AddressKind.ORDINARY, Reason.ORDINARY_DOMAIN, domain)
    return None


def judge_by_mx(domain: str, answer: Answer) -> Opinion:
    """What a domain's mail servers say of it.

    Args:
        answer: to the question for its MX records.
    """
    unknown = AddressKind.UNKNOWN
    if not answer.is_found:
        return Opinion(unknown, _ABSENT[answer.status], answer.trouble.value if answer.trouble else "")
    first = answer.records[0]
    kinds = {_server_kind(host) for host in answer.records}
    if kinds == {AddressKind.PEC}:
        return Opinion(AddressKind.PEC, Reason.MX_OPERATOR, first)
    if AddressKind.PEC in kinds:
        return Opinion(unknown, Reason.MX_MIXED, ", ".join(answer.records[:4])[:200])
    if looks_like_pec(domain):
        return Opinion(unknown, Reason.MX_UNKNOWN, first)
    if kinds == {AddressKind.ORDINARY}:
        return Opinion(AddressKind.ORDINARY, Reason.MX_ORDINARY, first)
    if all(_is_within(host, domain) and not looks_like_pec(host) for host in answer.records):
        return Opinion(AddressKind.ORDINARY, Reason.MX_OWN, first)
    return Opinion(unknown, Reason.MX_UNKNOWN, first)


_ABSENT = {
    Status.NO_NAME: Reason.NO_DOMAIN,
    Status.NO_ANSWER: Reason.NO_MX,
    Status.NULL_MX: Reason.NULL_MX,
    Status.COULD_NOT_CHECK: Reason.COULD_NOT_CHECK,
}


def _server_kind(host: str) -> AddressKind:
    """Whose server this is, the most specific suffix first."""
    labels = host.split(".")
    for start in range(len(labels)):
        suffix = ".".join(labels[start:])
        if suffix in PEC_SERVERS:
            return AddressKind.PEC
        if suffix in ORDINARY_SERVERS:
            return AddressKind.ORDINARY
    return AddressKind.UNKNOWN


def _is_within(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")


# The domains on which operators sell boxes.
MAILBOX_DOMAINS = frozenset(
    {"pec.it", "arubapec.it", "mypec.eu", "pec.cloud", "gigapec.it", "legalmail.it", "cert.legalmail.it"}
    | {"sicurezzapostale.it", "namirialpec.it", "postecert.it", "pcert.postecert.it", "pec.net"}
    | {"actaliscertymail.it", "telecompost.it", "postacertificata.notariato.it", "pec.fatturapa.it"}
)

# The certified domains named in the authority's own certificate (AgID CA1, 2025), less the authority's.
OPERATOR_DOMAINS = frozenset(
    {"cert.informatica.aci.it", "cert.interno.it", "emarche.it", "fastweb-pec.it", "gestorepec.unina.it"}
    | {"kmailer.it", "pcert.sogei.it", "pec.actalis.it", "pec.ancitel.it", "pec.aruba.it", "zucchettipec.it"}
    | {"pec.basilicatanet.it", "pec-email.com", "pec.postecert.it", "pec.posteitaliane.it", "twtcert.it"}
    | {"pec.rupar.puglia.it", "postacert.cedacri.it", "postacert.it.net", "trustedmail.intesa.it"}
    | {"cert.intesa.it", "certmail.kpnqwest.it", "certmail.irideos.it", "pupec.informatica.aci.it"}
    | {"pro.sicurezzapostale.it", "pec.bill4me.it", "pec.notartel.it", "miapec.it", "ig-trustmail.com"}
    | {"postecertifica.it", "pec.reevo.eu"}
)

# Providers of ordinary boxes; the last line: domains beside which an operator has certified ones.
ORDINARY_DOMAINS = frozenset(
    {"gmail.com", "googlemail.com", "outlook.com", "outlook.it", "outlook.es", "hotmail.com", "hotmail.it"}
    | {"hotmail.es", "live.com", "live.it", "msn.com", "yahoo.com", "yahoo.it", "yahoo.es", "ymail.com"}
    | {"icloud.com", "me.com", "mac.com", "aol.com", "gmx.com", "gmx.net", "mail.com", "proton.me"}
    | {"protonmail.com", "pm.me", "zoho.com", "libero.it", "virgilio.it", "iol.it", "inwind.it", "blu.it"}
    | {
        "giallo.it",
        "tiscali.it",
        "tiscalinet.it",
        "alice.it",
        "tim.it",
        "tin.it",
        "fastwebnet.it",
        "email.it",
    }
    | {"supereva.it", "vodafone.it", "teletu.it", "telefonica.net", "movistar.es", "terra.es", "ono.com"}
    | {"prodigy.net.mx", "hotmail.com.mx", "yahoo.com.mx", "outlook.com.mx"}
    | {"aruba.it", "notariato.it", "infocert.it", "namirial.com", "register.it"}
)

# A mail server within one of these is an operator's.
PEC_SERVERS = OPERATOR_DOMAINS | MAILBOX_DOMAINS

# A mail server within one of these takes ordinary mail only.
ORDINARY_SERVERS = frozenset(
    {"google.com", "googlemail.com", "outlook.com", "office365.us", "mail.protection.outlook.com"}
    | {"aruba.it", "arubabusiness.it", "register.it", "notariato.it", "libero.it", "iol.it", "tiscali.it"}
    | {"alice.it", "tim.it", "fastwebnet.it", "ovh.net", "ionos.it", "ionos.es", "kundenserver.de"}
    | {"1and1.com", "gandi.net", "secureserver.net", "zoho.com", "zoho.eu", "protonmail.ch", "yahoodns.net"}
    | {
        "icloud.com",
        "messagelabs.com",
        "mimecast.com",
        "pphosted.com",
        "ppe-hosted.com",
        "barracudanetworks.com",
    }
    | {"iphmx.com", "trendmicro.eu", "trendmicro.com", "hornetsecurity.com", "antispameurope.com"}
    | {"seeweb.it", "netsons.net", "serverplan.com", "shellrent.com", "keliweb.com", "siteground.net"}
    | {"siteground.eu", "mailspamprotection.com", "antispamcloud.com", "arsys.es", "dinahosting.com"}
    | {"hostinger.com", "titan.email", "infomaniak.ch", "mailgun.org", "sendgrid.net", "amazonaws.com"}
)
