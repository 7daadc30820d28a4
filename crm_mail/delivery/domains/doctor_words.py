"""The doctor's findings as sentences: what was found, and what to do about it (pure).

Every function takes ``translate``; `_` only marks the messages for collection. English is what the command line says.
"""

from dataclasses import dataclass

from crm_mail.delivery.domains.findings import Check, Finding, Level
from crm_mail.words import Translate, english, fill
from crm_mail.words import mark as _


@dataclass(frozen=True, slots=True)
class FindingWords:
    """A finding in words; ``advice`` may be empty."""

    title: str
    text: str
    advice: str


CHECKS: dict[Check, str] = {
    Check.MX: _("Incoming mail (MX)"),
    Check.SPF: _("SPF record"),
    Check.SPF_SENDER: _("Sending server in SPF"),
    Check.DKIM: _("DKIM key"),
    Check.DMARC: _("DMARC policy"),
    Check.ALIGNMENT: _("DMARC alignment"),
    Check.TLS: _("Encryption of the sending server"),
    Check.REVERSE: _("Reverse name of the sending server"),
    Check.MTA_STS: _("MTA-STS"),
    Check.TLS_RPT: _("TLS reports"),
    Check.PEC: _("PEC operator"),
}

LEVELS: dict[Level, str] = {
    Level.OK: _("In order"),
    Level.NOTE: _("Note"),
    Level.WARNING: _("Warning"),
    Level.ERROR: _("Error"),
    Level.UNCHECKED: _("Could not check"),
}

TROUBLES: dict[str, str] = {
    "timeout": _("The name servers did not answer in time."),
    "no_servers": _("The name servers failed."),
    "offline": _("This computer does not reach the internet's name servers."),
    "not_configured": _("No name server is set up on this computer."),
    "bad_name": _("This is not a name that can be looked up."),
}

_SENTENCES: dict[str, tuple[str, str]] = {
    "could_not_check": (
        _("%(name)s could not be looked up."),
        _("Check again later; nothing is known to be wrong."),
    ),
    "mx_ok": (_("Answers and bounces reach this domain."), ""),
    "mx_missing": (
        _("%(domain)s takes no mail: answers and bounces are lost."),
        _("Publish the MX records that the mail provider names."),
    ),
    "mx_null": (
        _(
            "The domain says that it takes no mail: answers and bounces are lost, and many servers refuse its mail."
        ),
        _("Replace the null MX by the provider's records."),
    ),
    "no_domain": (_("The domain %(domain)s does not exist."), _("Check the spelling of the sender address.")),
    "mx_implicit": (
        _("There is no MX record; mail goes to the address of %(domain)s itself."),
        _("Publish an MX record: some servers refuse mail from domains without one."),
    ),
    "mx_without_address": (
        _("The servers named for incoming mail do not exist: %(host)s."),
        _("Correct the MX records."),
    ),
    "mx_some_without_address": (
        _("A server named for incoming mail does not exist: %(host)s."),
        _("Take it out of the MX records, or correct it."),
    ),
    "spf_ok": (_("The record is sound and takes %(lookups)s of %(most)s look-ups."), ""),
    "spf_missing": (
        _(
            "There is no SPF record: anybody may send in the name of %(domain)s, and large providers distrust its mail."
        ),
        _("Publish this record at the domain's DNS provider."),
    ),
    "spf_unanswered": (
        _("%(name)s could not be looked up, so that the record is not known as a whole."),
        _("Check again later; nothing is known to be wrong."),
    ),
    "spf_several_records": (
        _("There are several SPF records: receivers use none of them. %(detail)s"),
        _("Join them into one record."),
    ),
    "spf_syntax": (
        _("The record cannot be read (%(detail)s): receivers treat it as an error."),
        _("Correct this part of the record."),
    ),
    "spf_too_many_lookups": (
        _(
            "The record takes %(lookups)s look-ups; after %(most)s receivers give up and treat it as an error."
        ),
        _("Take out what no longer sends, or name addresses (ip4:) in place of includes."),
    ),
    "spf_too_many_void": (
        _("%(void)s names in the record lead nowhere; more than two are an error."),
        _("Take out the names that no longer exist."),
    ),
    "spf_include_missing": (
        _("The record includes %(detail)s, which has no SPF record: receivers treat the whole as an error."),
        _("Take it out, or ask that provider for the right name."),
    ),
    "spf_loop": (_("The record includes itself through %(detail)s."), _("Take the include out.")),
    "spf_too_many_mx": (
        _("%(detail)s has more than ten mail servers, which is an error in SPF."),
        _("Name the addresses in place of mx."),
    ),
    "spf_lets_all": (
        _("The record ends in “all” without a sign: it lets everybody send in the name of %(domain)s."),
        _("End the record with ~all or -all."),
    ),
    "spf_open_end": (
        _("The record does not say what to think of other senders."),
        _("End the record with ~all or -all."),
    ),
    "spf_ptr": (
        _("The record uses “ptr”, which is slow and not to be used any more."),
        _("Name the servers by a:, mx or ip4: in its place."),
    ),
    "spf_sender_ok": (_("%(host)s may send in the name of %(domain)s."), ""),
    "spf_sender_missing": (
        _("The record does not include the provider that sends for %(host)s."),
        _("Publish the record with the provider's include."),
    ),
    "spf_sender_unnamed": (
        _("The record does not name %(host)s %(ip)s. The provider may send on from other addresses."),
        _("Ask the provider for its SPF name; for a server of your own publish this record."),
    ),
    "spf_sender_private": (
        _("%(host)s has no address on the internet; the one that its mail leaves from is not known here."),
        _("See that the office's own address, or the provider after it, stands in the record."),
    ),
    "spf_sender_unanswered": (
        _("Whether %(host)s may send could not be looked up."),
        _("Check again later; nothing is known to be wrong."),
    ),
    "dkim_ok": (_("%(name)s holds a sound key (%(kind)s, %(bits)s bits)."), ""),
    "dkim_not_ours": (
        _("Messages of this account are not signed here. The provider behind %(host)s may sign them."),
        _("Switch DKIM signing on in the account, or in the provider's administration."),
    ),
    "dkim_missing": (
        _("There is no key at %(name)s: the signatures on sent messages count for nothing."),
        _("Publish this record, then check again."),
    ),
    "dkim_several": (_("There are several records at %(name)s."), _("Leave only this one.")),
    "dkim_revoked": (
        _("The key at %(name)s was revoked: signatures made with it count for nothing."),
        _("Publish the present key, or choose another selector."),
    ),
    "dkim_unreadable": (
        _("The key at %(name)s cannot be read."),
        _("Publish the record exactly as it stands here."),
    ),
    "dkim_other_key": (
        _("The key at %(name)s is not the one that signs: every signature fails."),
        _("Publish the key of the account."),
    ),
    "dkim_too_short": (
        _("The key has %(bits)s bits only: receivers refuse it."),
        _("Make a new key in the account and publish it."),
    ),
    "dkim_short": (
        _("The key has %(bits)s bits; 2048 are usual today."),
        _("Make a new key in the account when it suits."),
    ),
    "dkim_testing": (
        _("The record says that the key is only tried out (t=y): receivers may disregard it."),
        _("Publish it without t=y."),
    ),
    "dmarc_ok": (_("The policy is “%(policy)s” and reports go to %(rua)s."), ""),
    "dmarc_missing": (
        _("There is no DMARC policy: large providers distrust mail from domains without one."),
        _("Begin by watching only: publish this record, and read the reports for some weeks."),
    ),
    "dmarc_unanswered": (
        _("%(name)s could not be looked up."),
        _("Check again later; nothing is known to be wrong."),
    ),
    "dmarc_several": (_("There are several records at %(name)s: receivers use none."), _("Leave only one.")),
    "dmarc_bad_policy": (
        _("The policy “%(given)s” does not exist: the record counts for little."),
        _("It is none, quarantine or reject."),
    ),
    "dmarc_bad_rua": (
        _("“%(given)s” is no address for reports."),
        _("Write it as mailto:address, several divided by a comma."),
    ),
    "dmarc_no_rua": (
        _("The policy is “%(policy)s”, and nobody receives the reports about it."),
        _("Name an address for them."),
    ),
    "dmarc_rua_elsewhere": (
        _("Reports go to %(host)s, which has not said that it takes them: they are not sent."),
        _("This record is to be published by %(host)s."),
    ),
    "dmarc_none": (
        _("The policy is “none”: forged mail is only watched. Reports go to %(rua)s."),
        _("When the reports show no mail of your own that fails, go on to quarantine."),
    ),
    "dmarc_testing": (
        _("The policy “%(policy)s” is only tried out (t=y): receivers apply one level less."),
        _("Take t=y out when the reports show no failures of your own."),
    ),
    "dmarc_removed_tag": (
        _("The policy is “%(policy)s”. The record has “%(given)s”, which means nothing any more."),
        _("It can be taken out."),
    ),
    "aligned_dkim": (_("Messages pass DMARC by their signature."), ""),
    "aligned_spf": (_("Messages pass DMARC by SPF; the signature does not count yet."), ""),
    "aligned_spf_only": (
        _("Messages pass DMARC by SPF alone: forwarded ones do not."),
        _("A DKIM signature survives forwarding."),
    ),
    "not_aligned_dkim": (
        _("Messages are signed for %(other)s, which is another organization than %(domain)s."),
        _("Sign for the domain of the sender address."),
    ),
    "not_aligned": (
        _(
            "Neither SPF nor a signature of ours speaks for %(domain)s; with the policy “%(policy)s” that counts."
        ),
        _("Name the sending server in SPF, or sign with DKIM."),
    ),
    "alignment_unknown": (
        _("SPF or DKIM could not be looked up."),
        _("Check again later; nothing is known to be wrong."),
    ),
    "tls_ok": (_("%(host)s encrypts, and its certificate is good."), ""),
    "tls_none": (_("Messages go to %(host)s unencrypted."), _("Choose TLS or STARTTLS in the account.")),
    "tls_none_local": (_("Messages go to %(host)s unencrypted, inside this computer or office."), ""),
    "tls_failed": (
        _("Encryption with %(host)s fails: %(detail)s"),
        _("Test the connection on the account's page."),
    ),
    "tls_unreachable": (
        _("%(host)s could not be reached: %(detail)s"),
        _("Test the connection on the account's page."),
    ),
    "tls_not_tried": (_("The connection to %(host)s was not tried."), ""),
    "reverse_ok": (_("%(host)s has a reverse name that leads back to it."), ""),
    "reverse_missing": (
        _("%(ip)s has no reverse name: many servers refuse mail from such an address."),
        _("Ask the internet provider to set it to the server's name."),
    ),
    "reverse_other": (
        _("The reverse name of %(ip)s does not lead back to it."),
        _("Make the name and its address point at each other."),
    ),
    "reverse_operator": (_("The reverse names of %(host)s are the operator's matter."), ""),
    "reverse_private": (
        _("%(host)s has no address on the internet; the one that its mail leaves from is not known here."),
        _("See that the office's own address has a reverse name, when the server sends by itself."),
    ),
    "host_without_address": (_("The server %(host)s does not exist."), _("Correct its name in the account.")),
    "mta_sts_ok": (_("Servers that send to this domain are told to encrypt."), ""),
    "mta_sts_missing": (
        _("Servers that send to this domain may do so unencrypted."),
        _("Good to have; the provider of the mailboxes can switch it on."),
    ),
    "tls_rpt_ok": (_("Reports about encryption are asked for."), ""),
    "tls_rpt_missing": (_("No reports about encryption are asked for."), _("Good to have.")),
    "pec_operator": (
        _("%(server)s is a PEC operator's. SPF, DKIM and DMARC are its matter: there is nothing to publish."),
        "",
    ),
    "pec_not_pec": (
        _("The account is marked as PEC, but %(server)s takes ordinary mail only."),
        _("Check the account's kind and its address."),
    ),
    "pec_undecided": (
        _(
            "The domain is not among the operators' that are known here. SPF, DKIM and DMARC are the operator's matter."
        ),
        "",
    ),
}


def describe(finding: Finding, translate: Translate = english) -> FindingWords:
    """A finding in words."""
    text, advice = _SENTENCES[finding.code]
    sentence = " ".join(fill(translate(text), finding.params).split())
    if trouble := TROUBLES.get(str(finding.params.get("trouble", ""))):
        sentence = f"{sentence} {translate(trouble)}"
    return FindingWords(
        translate(CHECKS[finding.check]), sentence, fill(translate(advice), finding.params) if advice else ""
    )
