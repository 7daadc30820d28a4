"""How operators differ: the same receipts in the dress of each, as seen in public messages of 2013 to 2026."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Skin:
    """One operator's habits. `domain` is the operator's own (it signs as `posta-certificata@domain`), not a customer's.

    `unknown_mailbox` and `unknown_domain` are `postacert/@errore`; `final_delay` is the `errore-esteso` after 24 hours,
    `is_delay_plain`: the same words after 12.
    """

    name: str
    domain: str
    provider: str
    identifier: str  # of the message; {stamp} yyyymmddhhmmss, {number}, {random}, {domain}
    protocol: str = "application/pkcs7-signature"
    digest: str = "sha256"
    micalg: str = '"sha-256"'
    is_ber: bool = False
    has_html: bool = True
    has_rem_headers: bool = False
    doctype: str = ""
    is_daticert_last: bool = False
    form_header: str = "X-TipoRicevuta"
    unknown_mailbox: str = "no-dest"
    mailbox_words: str = "5.1.1 - {provider} - indirizzo non valido"
    late_words: str = "5.4.1 - {provider} - il messaggio non e' stato consegnato nelle {hours} ore"

    @property
    def address(self) -> str:
        """Whom the receipts come from."""
        return f"posta-certificata@{self.domain}"


PERL = "opec{number}.{stamp}.{random}.606.1.53@{domain}"
JAVA = "{random}.{stamp}.posta-certificata@{domain}"

ARUBA = Skin(
    "aruba", "pec.aruba.simulated.example", "ARUBA PEC S.p.A. (simulato)", PERL, unknown_mailbox="altro"
)
ARUBA_REM = Skin(
    "aruba-rem",
    "rem.aruba.simulated.example",
    "ARUBA PEC S.p.A. (simulato)",
    PERL,
    unknown_mailbox="altro",
    is_ber=True,
    has_rem_headers=True,
)
NAMIRIAL = Skin(
    "namirial",
    "sicurezzapostale.simulated.example",
    "Namirial S.p.A. (simulato)",
    JAVA,
    protocol="application/x-pkcs7-signature",
    digest="sha1",
    micalg="sha1",
    form_header="X-Tiporicevuta",
    late_words="5.4.1 - {provider} - Tempo massimo superato",
)
TIM = Skin(
    "tim",
    "telecompost.simulated.example",
    "TI Trust Technologies S.r.l. (simulato)",
    JAVA,
    protocol="application/x-pkcs7-signature",
    digest="sha1",
    micalg="sha1",
    has_html=False,
    doctype='<!DOCTYPE postacert SYSTEM "http://www.telecompost.simulated.example/daticert.dtd">',
    is_daticert_last=True,
)
INFOCERT = Skin(
    "infocert",
    "legalmail.simulated.example",
    "InfoCert S.p.A. (simulato)",
    JAVA,
    micalg="sha-256",
    has_html=False,
)

SKINS = {skin.name: skin for skin in (ARUBA, ARUBA_REM, NAMIRIAL, TIM, INFOCERT)}
DOMAINS = tuple(skin.domain for skin in SKINS.values())
