"""Why a message did not arrive: from the words, the status (RFC 3463) and the code of the other side. Pure.

The words come first: servers give `5.7.1` and `550` for almost everything, while their text says what they mean.
The tables grew from the published formats of mail systems and the answers of large providers.
"""

import re
from collections.abc import Iterable, Sequence

from crm_mail.delivery.bounces.parsed import BounceReason as R

_WORDS: tuple[tuple[R, str], ...] = (
    (
        R.EXPIRED,
        r"(?:message|mail) (?:has been )?in (?:the )?queue too long|could not be delivered for \d|(?:cannot"
        r"|could not) send message"
        r" for (?:past )?\d|(?:delivery|message) (?:time ?)?(?:expired|timed out)|maximum-time-expired"
        r"|retry time(?:out| not "
        r"reached| exceeded)|retry timeout exceeded|queue.{0,20}expired|still (?:undelivered|being retried|trying)"
        r"|unable to deliver this message after|undeliverable for|delivery failed \d+ attempts|delayed? (?:for )?more"
        r" than|has been delayed|exceeded the maximum time|giving up after|not been collected after|too old"
        r"|expired after|was in the queue"
        r" for|tiempo de (?:espera|entrega)|tempo massimo",
    ),
    (R.USER_UNKNOWN, r"recipient address rejected: access denied"),  # Exchange Online knows no such mailbox
    (
        R.RELAY_DENIED,
        r"relay(?:ing)? (?:access )?(?:is )?(?:denied|not (?:permitted|allowed)|prohibited)|unable to relay|not "
        r"(?:permitted|allowed) to relay|(?:we |does not |do not |cannot )relay|relaynotpermitted|relayed mail|mail "
        r"relay|relaying (?:mail )?(?:to|for)|no relaying|isn't in (?:my|our) (?:list of allowed )?rcpthosts"
        r"|not (?:in|a) (?:gateway|relay)",
    ),
    (
        R.MAILBOX_FULL,
        r"full (?:mail ?box|inbox)|mail ?box exceeded|mail ?(?:box|folder|spool)? ?(?:is |was |has "
        r"|been )*(?:full|over ?(?:quota"
        r"|size|the))|quota|insufficient "
        r"(?:disk|mailbox|storage)|mailfolder is full|(?:inbox|account|user|recipient|folder) (?:is "
        r"|storage )*(?:full"
        r"|over ?(?:its )?(?:quota|limit))|out of (?:storage|disk) ?space|over(?: the)? (?:maximum )?(?:allowed )?"
        r"(?:quota|storage)|overquota|mailboxfull|not enough (?:storage|disk|space)|disk full|storage (?:limit|"
        r"allocation)|maildir (?:over|delivery)|(?:casella|cassetta).{0,40}piena|spazio.{0,20}esaurito"
        r"|buz[oó]n.{0,30}lleno"
        r"|(?:postfach|mailbox).{0,20}voll|bo[iî]te.{0,30}pleine|caixa.{0,30}cheia|no space left",
    ),
    (
        R.TOO_BIG,
        r"(?:message|mail|size|file|content|length)[^.;]{0,50}(?:exceed|too (?:big|large)|larger than|over (?:the )?"
        r"(?:max|limit))|exceed(?:s|ed|ing)?[^.;]{0,40}(?:size|bytes|length)|size limit|sizelimit|too large|too big"
        r"|max(?:imum)? (?:message |inbound |incoming )*size|troppo grande|super(?:a|ato|ano) (?:il limite"
        r"|le? dimension|la dimensione)|super[aó] el (?:l[ií]mite|tama)|demasiado grande|resolver\.rst\.\w*size",
    ),
    (
        R.SENDER_REFUSED,
        r"sender (?:address )?(?:verify|verification|rejected|denied|refused|blocked|unknown|domain|not|invalid)"
        r"|domain of sender|(?:invalid|bad|unknown|unresolvable) sender|from address (?:is )?(?:not|reject)|verify"
        r" (?:failed|your sender)|return path|not owned by user|sender is (?:un|not )auth|sendernotauth|send as"
        r" denied|restricted to authenticated|not (?:permitted|allowed) to send|resolver\.rst\.(?:not|auth)",
    ),
    (
        R.DOMAIN_UNKNOWN,
        r"domain (?:name )?(?:does ?n[o']t|not) (?:exist|found)|dns error|host (?:or domain name )?not found(?!, try)"
        r"|(?:unknown|no such|bad|invalid|non-?existent|unrouteable) (?:host|domain)|(?:host|domain) (?:is )?unknown"
        r"|no mx (?:or a )?|nxdomain|name or service not known|unrouteable (?:mail )?(?:domain|address)|domain"
        r" (?:of recipient )?(?:is )?(?:invalid|not valid)|illegal host|couldn't find any host named"
        r"|all relevant mx records point to non-existent|cannot find your (?:domain|hostname)|lookup of.{0,80}failed:"
        r" (?:host|domain)|dominio.{0,30}(?:inesistente|non esiste|no existe|errato)|no route found to domain",
    ),
    (
        R.NOT_ACCEPTED,
        r"null ?mx|does ?n[o']t (?:accept|receive) (?:any )?(?:e-?)?mail|accepts? no (?:e-?)?mail"
        r"|host does not accept"
        r"|no smtp service here|not (?:accept|receiv)ing (?:any )?(?:e-?)?mail$|domain takes no mail",
    ),
    (
        R.VIRUS,
        r"virus|malware|infected|trojan|worm\b|clamav|contiene un virus",
    ),
    (
        R.SPAM,
        r"\bspam(?:my)?\b(?!haus| ?cop)|spam (?:content|message|detected|score)|junk mail|unsolicited|(?:bulk|likely)"
        r" (?:unsolicited|suspicious)|considered (?:as )?(?:uce|ube)|looks like (?:spam|uce)|spamassassin"
        r"|phish|message.{0,30}(?:appears|classified) (?:to be |as )?(?:spam|suspicious)",
    ),
    (
        R.RATE_LIMIT,
        r"rate ?limit|too many (?:connection|message|recipient|mail|concurrent|session|email|smtp)|too much (?:mail|"
        r"traffic)|throttl|exceeded.{0,40}(?:rate|limit of|connections|messages|per (?:minute|hour|day))|sending "
        r"(?:too )?(?:fast|limit)|frequency|unusual rate|slow down|try again later.{0,20}too|connection frequency"
        r"|greylist|gr[ae]y-?list|troppi messaggi",
    ),
    (
        R.POLICY,
        r"\b(?:spf|dkim|dmarc)\b|unauthenticated (?:e-?mail|mail|sender)|not authenticated|authentication (?:required"
        r"|check|result)|does not (?:pass|meet).{0,40}authenticat|arc seal|reverse dns|\bptr\b|\brdns\b|helo|ehlo"
        r"|unauthori[sz]ed",
    ),
    (
        R.BLOCKED,
        r"bloccat[oa]|lista nera|lista negra|bloquead[oa]|block(?:ed|list| list|ing)|black ?list|\brbl\b|dnsbl"
        r"|spamhaus|spamcop|barracuda|sorbs|reputation|\bbanned\b"
        r"|please use the (?:smtp|mail) ?(?:server|relay)|client host (?:rejected|blocked)|access denied|denied by|"
        r"temporarily deferred|user complaints|refused to talk to me|your (?:ip|host|server|network)[^.;]{0,60}"
        r"(?:reject|refus|denied|not allowed|poor|listed)|(?<!not )listed (?:at|by|in|on)\b"
        r"|connection refused by policy"
        r"|not accepting (?:mail|connections) from|policy reasons.{0,20}ip|bad ip|open (?:relay|proxy)|dynamic ip"
        r"|dial-?up|s3140|\bcs01\b|\[ts\d\d\]|\[tss\d\d\]",
    ),
    (
        R.MOVED,
        r"(?:has|have) moved|moved to|no longer (?:at|with|works|employed)|address (?:has )?changed|user not local"
        r"|try forwarding|new address|recipient.{0,20}moved|si è trasferit|ha cambiat[oa] indirizzo"
        r"|mailbox has moved",
    ),
    (
        R.DISABLED,
        r"(?:mail ?box|account|user|recipient|address|e-?mail)[^.;<>@]{0,40}(?:disabled|deactivated|suspended"
        r"|inactive"
        r"|expired|locked|not active|temporarily (?:un|in)available|closed|discontinued|frozen|terminated|cancell?ed"
        r"|no longer (?:active|available|in use|valid|exist|accept))|(?:disabled|deactivated|suspended|inactive"
        r"|locked"
        r"|dormant|discontinued) (?:mail|account|user|recipient|address)"
        r"|account that you tried to reach is (?:dis|in)"
        r"|not currently (?:accept|receiv)|disattivat|disabilitat|deshabilitad|desactivad"
        r"|mailbox temporarily disabled",
    ),
    (
        R.USER_UNKNOWN,
        r"not listed in|リストにありません|user[ _-]?(?:unknown|not (?:found|known|exist|listed)|does ?n[o']t|invalid"
        r"|is unknown)"
        r"|(?:unknown|no such|"
        r"bad|invalid|non-?existent|illegal|undefined) (?:or illegal )?(?:local |virtual |destination |e-?mail )?"
        r"(?:user|recipient|mail ?box|address|account|alias|person|local[- ]part|login)|recipient[^.;]{0,60}(?:not"
        r" (?:found|known|exist|recogni[sz]ed|valid|listed|accepted)|unknown|does ?n[o']t|reject|invalid|no longer)"
        r"|(?:address|mail ?box|account|name|alias|inbox)[^.;]{0,60}(?:does ?n[o']t exist|not (?:found|exist|known|"
        r"recogni[sz]ed|valid)|unknown|was ?n[o']t found|could ?n[o']t be found|doesn't exist|invalid|"
        r"rejected)|no (?:mailbox|user|account|recipient|such)(?: by| here|\b)|(?:not|isn't) (?:a |our )"
        r"(?:valid|known|customer|user)|recipientnotfound|resolver\.adr|unrouteable address|user ?(?:id )?is ?n[o']t"
        r"|bad destination mailbox|not our customer|no longer on server|was ?n[o']t found at|is not a known user|"
        r"does ?n[o']t have a[^.;]{0,40}account|empf(?:ae|ä)nger unbekannt|unbekannt|inesistente"
        r"|non (?:è stat[oa] trovat|trovat)[oa]?|no se (?:ha )?encontr|no fue encontrad|non esiste"
        r"|sconosciut"
        r"|indirizzo non valido|no existe|desconocid|inexistente|n'existe pas|inconnu|undeliverable address|address"
        r" error|invalid address|this user doesn't have|unknown_user|not exists?|delivery to .{0,80} not allowed",
    ),
    (R.SYSTEM, r"command (?:died|output|time limit)"),
    (
        R.NETWORK,
        r"too many hops|(?:hop ?count|hops?) (?:exceeded|count)|mail(?:er)? loop|(?:routing|forwarding|delivery) loop"
        r"|loop(?:s| detected| back| broken)|connection (?:timed ?out|refused|reset|dropped|lost|closed|failed|"
        r"timeout)|(?:could ?n[o']t|can(?:'t|not)|unable to|failed to|wasn't able to|was not able to) (?:be )?"
        r"(?:connect|reach|establish|contact|resolve)|no (?:route|answer|response)|(?:host|network) (?:is )?(?:"
        r"unreachable|down)|name service|host not found, try|name server|timed? ?out|conversation with"
        r"|lost connection"
        r"|failed connect|connection to .{0,60}failed|open timed|no answer from host|network (?:error|problem)"
        r"|routing|i/o error|dns (?:lookup|"
        r"failure|soft)|tls|certificate|smtp connection",
    ),
    (
        R.SYSTEM,
        r"system (?:error|resources?)|local (?:error|configuration)|internal (?:server )?error|mailer (?:error|daemon"
        r" error)|server (?:error|busy|is (?:busy|down|temporar))|service (?:un|not )available|resources temporarily"
        r"|out of memory|i/o error|can't (?:create|open)|cannot (?:open|create|append)|unable to (?:open|create"
        r"|lookup)"
        r"|configuration error|protocol error|data format error",
    ),
)
_WEAK: tuple[tuple[R, str], ...] = (
    (R.USER_UNKNOWN, r"mailbox (?:unavailable|not available)"),
    (
        R.CONTENT,
        r"content (?:reject|not|filter|policy|block)|attachment|header(?:s)? (?:field )?(?:missing|invalid|malformed|"
        r"error|not)|no resent-from|resent-from|missing (?:from|date|subject|to|message-id)|message-id|malformed|"
        r"illegal attachment|(?:contain|prohibited)[^.;]{0,30}(?:url|link|attachment|file|word)|bare (?:lf|cr)|"
        r"encoding|8-?bit|conversion|unacceptable|message (?:was )?(?:rejected|refused|content)|rejected (?:by"
        r" (?:the )?)?content|not rfc|format",
    ),
    (
        R.POLICY,
        r"polic(?:y|ies)|prohibit|not permitted|forbidden|administrative|security|rejected|refused|denied|not allowed"
        r"|not accepted|regole|pol[ií]tica",
    ),
    (R.SYSTEM, r"temporar(?:y|ily)|deferred|procmail|amavis"),
)


def _compiled(table: tuple[tuple[R, str], ...]) -> tuple[tuple[R, re.Pattern[str]], ...]:
    return tuple((reason, re.compile(pattern, re.IGNORECASE)) for reason, pattern in table)


_STRONG_PATTERNS, _WEAK_PATTERNS = _compiled(_WORDS), _compiled(_WEAK)
_MAX_WORDS = 2000

_STATUS: dict[str, R] = {
    "1.0": R.USER_UNKNOWN,
    "1.1": R.USER_UNKNOWN,
    "1.2": R.DOMAIN_UNKNOWN,
    "1.3": R.USER_UNKNOWN,
    "1.4": R.USER_UNKNOWN,
    "1.6": R.MOVED,
    "1.7": R.SENDER_REFUSED,
    "1.8": R.SENDER_REFUSED,
    "1.10": R.NOT_ACCEPTED,
    "2.0": R.USER_UNKNOWN,
    "2.1": R.DISABLED,
    "2.2": R.MAILBOX_FULL,
    "2.3": R.TOO_BIG,
    "2.4": R.USER_UNKNOWN,
    "3.0": R.SYSTEM,
    "3.1": R.MAILBOX_FULL,
    "3.2": R.SYSTEM,
    "3.3": R.CONTENT,
    "3.4": R.TOO_BIG,
    "3.5": R.SYSTEM,
    "4.0": R.NETWORK,
    "4.1": R.NETWORK,
    "4.2": R.NETWORK,
    "4.3": R.NETWORK,
    "4.4": R.NETWORK,
    "4.5": R.RATE_LIMIT,
    "4.6": R.NETWORK,
    "4.7": R.EXPIRED,
    "5.0": R.SYSTEM,
    "5.3": R.RATE_LIMIT,
    "6.0": R.CONTENT,
    "6.1": R.CONTENT,
    "6.3": R.CONTENT,
    "6.7": R.CONTENT,
    "7.0": R.POLICY,
    "7.1": R.POLICY,
    "7.2": R.POLICY,
    "7.7": R.CONTENT,
    "7.17": R.USER_UNKNOWN,
    "7.20": R.POLICY,
    "7.23": R.POLICY,
    "7.24": R.POLICY,
    "7.25": R.POLICY,
    "7.26": R.POLICY,
    "7.27": R.SENDER_REFUSED,
    "7.28": R.RATE_LIMIT,
}
_DERIVED: dict[R, str] = {
    R.USER_UNKNOWN: "1.1",
    R.DOMAIN_UNKNOWN: "1.2",
    R.MOVED: "1.6",
    R.SENDER_REFUSED: "1.8",
    R.NOT_ACCEPTED: "1.10",
    R.DISABLED: "2.1",
    R.MAILBOX_FULL: "2.2",
    R.SYSTEM: "3.0",
    R.TOO_BIG: "3.4",
    R.NETWORK: "4.0",
    R.EXPIRED: "4.7",
    R.CONTENT: "6.0",
    R.VIRUS: "7.0",
    R.RELAY_DENIED: "7.1",
    R.BLOCKED: "7.1",
    R.POLICY: "7.1",
    R.SPAM: "7.1",
    R.RATE_LIMIT: "7.28",
}
_PASSING = frozenset({R.EXPIRED, R.RATE_LIMIT, R.NETWORK})
"""Without a status of the other side these count as 4.x.x: the way was blocked, not the address wrong."""

_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d)\.(\d{1,3})(?![\d.]*\d)")
_QMAIL = re.compile(r"\(#([45]\.\d\.\d{1,3})\)")
_CODE = re.compile(r"(?<![\d.#/:-])([45]\d\d)(?=[ -]|$)(?! ?(?:bytes|kb|mb|hours|minutes|seconds|days))")
_LOOP = re.compile(r"hops?\b|loop", re.IGNORECASE)
_VAGUE = frozenset({R.POLICY, R.SYSTEM, R.NETWORK})
"""A status that says so little gives way to plain words."""


def reason_of(text: str, status: str = "", code: int = 0) -> R:
    """The reason that one text gives; see `reason_among`."""
    return reason_among([text], status, code)


def reason_among(specific: Sequence[str], status: str = "", code: int = 0, general: str = "") -> R:
    """The reason, by words, then status, then SMTP code; UNKNOWN when none of them says it.

    Args:
        specific: what is said of this very recipient, most telling first; 2,000 characters of each are read.
        status: such as ``5.1.1``; may be empty.
        code: SMTP reply code, or 0.
        general: the rest of the mail's own words: asked when nothing specific says more.
    """
    detail = status.partition(".")[2]
    strong = _first(_STRONG_PATTERNS, specific)
    if strong:
        return strong
    by_status = _STATUS.get(detail)
    if by_status and not (by_status in _VAGUE and general):
        return by_status
    found = _first(_WEAK_PATTERNS[:1], specific) or _first(_STRONG_PATTERNS, (general,)) or by_status
    return found or _first(_WEAK_PATTERNS, (*specific, general)) or _by_code(code)


def reason_of_status(status: str) -> R | None:
    """The reason that a status alone means; None for those that say nothing."""
    return _STATUS.get(status.partition(".")[2])


def is_telling(text: str) -> bool:
    """Whether a text gives a reason, a status or a reply code."""
    return bool(_first(_STRONG_PATTERNS, (text,)) or _ENHANCED.search(text) or _CODE.search(text))


def has_expired(text: str) -> bool:
    """Whether a text says that the time for trying is over."""
    return bool(_STRONG_PATTERNS[0][1].search(text[:_MAX_WORDS]))


def _first(patterns: Iterable[tuple[R, re.Pattern[str]]], texts: Sequence[str]) -> R | None:
    for text in texts:
        text = text[:_MAX_WORDS]
        for reason, pattern in patterns:
            if text and pattern.search(text):
                return reason
    return None


def _by_code(code: int) -> R:
    if code == 552:
        return R.MAILBOX_FULL
    if code in (521, 556):
        return R.NOT_ACCEPTED
    if code in (550, 551, 553):
        return R.USER_UNKNOWN if code != 551 else R.MOVED
    return R.UNKNOWN


def status_in(text: str) -> str:
    """The most telling enhanced status in a text: qmail's last one in brackets, else the first that is not x.0.0."""
    text = text[:_MAX_WORDS]
    found = [".".join(match.groups()) for match in _ENHANCED.finditer(text)]
    found = [one for one in found if one[0] != "2"]
    telling = [one for one in found if not one.endswith(".0.0")]
    qmail = _QMAIL.search(text)
    return qmail[1] if qmail else next(iter(telling or found), "")


def code_in(text: str) -> int:
    """The first SMTP reply code of a failure in a text; 0 when there is none."""
    found = _CODE.search(text[:_MAX_WORDS])
    return int(found[1]) if found else 0


def derived_status(reason: R, text: str, code: int, is_temporary: bool) -> str:
    """A status for what came without one, or with one that says nothing.

    Args:
        is_temporary: the report calls it so (a delay, an action that was not final).
    """
    detail = "4.6" if reason is R.NETWORK and _LOOP.search(text) else _DERIVED.get(reason, "0.0")
    if is_temporary or 400 <= code < 500:
        return f"4.{detail}"
    is_passing = code < 500 and reason in _PASSING and detail != "4.6"
    return f"{4 if is_passing else 5}.{detail}"
