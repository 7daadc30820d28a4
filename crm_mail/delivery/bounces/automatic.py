"""Mail that no person wrote and no mail system failed at: out of office, challenges. Pure (RFC 3834)."""

import re

from crm_mail.delivery.bounces.parts import Part, words

_ANY_VALUE = (
    *("x-autoreply", "x-autorespond", "x-autoreply-from", "x-mail-autoreply", "x-autoresponse", "x-away"),
    *("x-autoresponder", "x-vacation"),
)
_PRECEDENCE = frozenset({"auto_reply", "auto-reply", "autoreply"})
_SUBJECT = re.compile(
    r"^\s*(?:(?:re|aw|r|sv|rif|tr)\s*:\s*)*(?:auto(?:matic(?:ally)?)?[ -]?(?:mated )?(?:re(?:ply|sponse)"
    r"|generated)|auto:|"
    r"out of (?:the )?office|away from|i am (?:away|out)|on (?:vacation|holiday|leave)|vacation|abwesen(?:d|heit)|"
    r"automatische antwort|nicht im (?:b[uü]ro|hause)|r[eé]ponse automatique|absence|absent|risposta automatica"
    r"|fuori "
    r"(?:sede|ufficio)|assente|assenza|in ferie|respuesta autom[aá]tica|fuera de (?:la )?oficina|ausente|ausencia|de "
    r"vacaciones|resposta autom[aá]tica|fora do escrit[oó]rio|automatisch antwoord|afwezig|autosvar|"
    r"автоответ|自動応答|自动回复)",
    re.IGNORECASE,
)
_CHALLENGE_HEADERS = (
    *("x-boxtrapper", "x-challenge", "x-challenge-response", "x-tmda-confirm", "x-spamarrest", "x-qconfirm"),
    *("x-ask-version", "x-whitelist-challenge", "x-mailinblack", "x-vade-challenge"),
)
_CHALLENGE = re.compile(
    r"(?:please )?confirm (?:your|this|that you|delivery|the) ?(?:message|e-?mail|mail|are|identity|sent)?"
    r"|(?:requires?|need"
    r"s?|request(?:ing)?) (?:your )?(?:confirmation|verification|authori[sz]ation)"
    r"|sender (?:address )?(?:verification|"
    r"confirmation|authentication) (?:required|request)|challenge[ /-]response|awaiting (?:your )?(?:confirmation|"
    r"verification|approval)|boxtrapper|spam ?arrest|mailinblack|antispam uol|tmda|verify (?:that )?(?:you are"
    r"|your e-?mail"
    r"|this message|yourself)|not (?:on|in) my (?:list of )?(?:approved|allowed|white)|messages? (?:is "
    r"|was )?(?:held|waiting"
    r") (?:for|until|because).{0,60}(?:confirm|verif|approv)|conferm(?:a|are) (?:l'invio|il (?:tuo"
    r"|suo) messaggio|la tua "
    r"identit)|confirm(?:e|ar) (?:su|el env[ií]o|que usted)|in attesa di conferma",
    re.IGNORECASE,
)


def is_challenge(part: Part, text: str) -> bool:
    """Whether the recipient's server wants the sender to prove something before it lets the mail through.

    Args:
        text: the mail's own words; only those of a mail that is automatic are looked at, since people write
            “please confirm” too.
    """
    if any(part.header(name) for name in _CHALLENGE_HEADERS):
        return True
    subject = words(part.header("subject"))
    if not _CHALLENGE.search(subject[:500]):
        return False
    return is_automatic(part) or ("http" in text[:20_000] and bool(_CHALLENGE.search(text[:5000])))


def is_automatic(part: Part) -> bool:
    """Whether the headers call it automatic (RFC 3834 5), or a well-known subject of such answers does."""
    submitted = part.header("auto-submitted").partition(";")[0].partition("(")[0].strip().lower()
    if submitted and submitted != "no":
        return submitted != "auto-generated" or _has_subject(part)
    if any(part.header(name) for name in _ANY_VALUE):
        return True
    if part.header("precedence").strip().lower() in _PRECEDENCE:
        return True
    if part.header("x-post-messageclass").lower().endswith("autoresponder"):
        return True
    if part.header("delivered-to").strip().lower() == "autoresponder":
        return True
    return _has_subject(part)


def _has_subject(part: Part) -> bool:
    return bool(_SUBJECT.match(words(part.header("subject"))[:200]))
