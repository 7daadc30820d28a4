"""The words of failures, which the pages of messages share: see `outbox.cause_words`."""

from crm_mail.outbox.cause_words import CauseWords, cause_words

__all__ = ["CauseWords", "cause_words"]
