"""The words of an error notice (PM-19), in the company's language (pure)."""

from crm_mail.words import Translate


def title_of(cause: str, _: Translate) -> str:
    """What went wrong, by the kind of the cause (what stands before its first colon)."""
    kind, _colon, rest = cause.partition(":")
    if kind == "alarm":
        return _alarm_titles(_).get(rest, _("A mail that came back needs a look"))
    return _titles(_).get(kind, _("Something needs a look"))


def _titles(_: Translate) -> dict[str, str]:
    return {
        "account_stopped": _("A sending account has stopped"),
        "mailbox": _("A mailbox cannot be read"),
        "pec_failed": _("PEC messages were not delivered"),
        "no_acceptance": _("PEC messages without an acceptance receipt"),
        "no_outcome": _("PEC messages without an outcome after 24 hours"),
        "send_order": _("Send orders were refused"),
    }


def _alarm_titles(_: Translate) -> dict[str, str]:
    return {
        "forged": _("A receipt whose signature does not hold"),
        "other_company": _("A receipt that speaks of another company's message"),
        "other_address": _("A receipt that speaks of another sender's message"),
        "unreadable": _("A receipt that cannot be read"),
    }


def remedy_of(cause: str, _: Translate) -> str:
    """What to do."""
    kind = cause.partition(":")[0]
    return {
        "account_stopped": _("Enter its password again and start it: its messages wait until then."),
        "mailbox": _("Test its connection: until it is read, receipts and bounces do not arrive here."),
        "pec_failed": _("Open the list: each message says why, and what to do."),
        "no_acceptance": _("Look into the account's mailbox: they may not have left."),
        "no_outcome": _("Nothing proves their delivery: ask the recipients, or send them another way."),
        "send_order": _(
            "Each lies in quarantine with its reason. Correct it and put it into the folder again."
        ),
        "alarm": _("It changed nothing. Look at it, and settle the alarm."),
    }.get(kind, "")


def compose_notice(
    cause: str, count: int, detail: str, company: str, url: str, _: Translate
) -> tuple[str, str]:
    """Subject and text.

    Args:
        count: occurrences since the last notice of this cause.
        detail: what the latest one was about; may be empty.
        url: of the page that shows them.
    """
    title = title_of(cause, _)
    subject = f"CRM Mail: {title} ({company})"
    lines = [title + "."]
    if count > 1:
        lines.append(_("%(count)s times since the last message about it.") % {"count": count})
    if detail:
        lines.append(_("The latest: %(detail)s") % {"detail": detail})
    lines += ["", remedy_of(cause, _), url, "", _("At most one message an hour is sent for each cause.")]
    return subject, "\n".join(lines) + "\n"
