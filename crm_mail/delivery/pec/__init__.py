"""PEC as bytes (RFC 6109, DM 2 November 2005): receipts read and verified. Pure: no database, no web, no network."""
