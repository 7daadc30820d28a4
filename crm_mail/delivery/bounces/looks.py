"""Whether a mail looks as if a mail system had sent it back. Pure."""

import re

from crm_mail.delivery.bounces.automatic import is_automatic
from crm_mail.delivery.bounces.parsed import BounceReason, ParsedBounce
from crm_mail.delivery.bounces.parts import Part, words

_DAEMON = re.compile(
    r"mailer[-_. ]?daemon|poo?st[-_]?master|mail ?delivery|mail (?:delivery )?(?:sub)?system|mail administrator|"
    r"system administrator|complaints@|mail-?adm|delivery (?:service|notif)|bounce|mdaemon|^ndr@",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"undeliver|un?able to deliver|returned (?:mail|to sender)|delivery (?:status|report|notification|failure"
    r"|has failed"
    r"|failed|problem|error|delay|service)|failure (?:notice|delivery|to deliver)|fail(?:ed|ure)[: ]*mail"
    r"|mail (?:delivery"
    r"|failure|could not|error|status|system)|message (?:delayed|you sent|could not|delivery)"
    r"|could not (?:be delivered|"
    r"send)|non[- ]?(?:remis|deliver|consegn|recapit)|mancat[ao] (?:consegna|recapito)|consegna (?:non|fallita)"
    r"|impossibile"
    r" (?:consegnare|recapitare)|no se (?:pudo|puede) entregar|unzustellbar|nicht zugestellt|non d[eé]livr|n[aã]o "
    r"(?:entreg|foi poss)|delayed mail|warning: (?:could not|message)|rejected mail|mail rejected|nondeliverable|"
    r"failed mail|(?:stato|notifica)[^@]{0,20}(?:recapito|consegna)|recapito (?:non|fallito|ritardato)"
    r"|posta non consegnata|estado de (?:la )?entrega|no entregad[oa]|недоставлен|не доставлено|postmaster notify",
    re.IGNORECASE,
)
_NOT_DELIVERED = re.compile(
    r"not (?:be )?delivered|delivery (?:has )?failed|unable to deliver|undeliverable|non (?:è stato )?(?:consegnat"
    r"|recapitat)|no (?:se )?(?:pudo|ha podido) (?:ser )?entrega",
    re.IGNORECASE,
)
_ANSWER = re.compile(r"\s*(?:re|r|rif|aw|sv|fwd?|i|tr|rv|wg)\s*:", re.IGNORECASE)


def looks_returned(root: Part) -> bool:
    """Whether a mail system seems to speak: by its name, by an empty return path, by the words of the subject."""
    report = root.parameter("report-type").lower()
    if root.header("x-failed-recipients") or report.endswith("delivery-status"):
        return True
    returns = root.every("return-path") + root.every("x-envelope-from")
    is_null = any(value.strip() in ("<>", "") for value in returns)
    subject = subject_of(root)
    if is_daemon(root) or (is_null and _SUBJECT.search(subject)):
        return True
    return bool(_SUBJECT.search(subject)) and not (_ANSWER.match(subject) or is_automatic(root))


def says_what_failed(root: Part, found: ParsedBounce, text: str) -> bool:
    """With only its subject to go by a mail must say more: people write such subjects too."""
    if any(one.reason is not BounceReason.UNKNOWN for one in found.reports):
        return True
    is_answer = root.header("in-reply-to") or root.header("references")
    return not is_answer and bool(_NOT_DELIVERED.search(text[:5000]))


def is_daemon(root: Part) -> bool:
    """Whether the sender has a mail system's name."""
    return bool(_DAEMON.search(root.header("from")[:300]))


def subject_of(root: Part) -> str:
    """The subject in plain letters, at most 500 of them."""
    return words(root.header("subject")[:2000])[:500]


def has_failing_subject(root: Part) -> bool:
    """Whether the subject is one of those that mail systems write."""
    return bool(_SUBJECT.search(subject_of(root)))
