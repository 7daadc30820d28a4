"""Reading an account's mailbox over IMAP, read-only: nothing is flagged, moved or deleted. No database, no web.

Over the standard library's `imaplib`: imapclient and imap-tools stand on it too, bound neither a line's nor a literal's
length for one connection alone, and imap-tools pairs answers by position, so that an unasked FETCH would shift them.
"""
