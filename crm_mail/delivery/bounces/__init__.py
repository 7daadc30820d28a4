"""What ordinary mail systems send back (RFC 3464 and older customs), read from bytes. Pure."""
