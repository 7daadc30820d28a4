"""The words by which a reason is known; how they are used: `reasons`. Pure.

In the order in which they are asked; `STRONG` words stand for themselves, `WEAK` ones only where neither status nor a
strong word says more. The tables grew from the published formats of mail systems and the answers of large providers.
"""

from crm_mail.delivery.bounces.parsed import BounceReason as R

STRONG: tuple[tuple[R, str], ...] = (
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
WEAK: tuple[tuple[R, str], ...] = (
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
