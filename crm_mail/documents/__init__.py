"""Documents: their types, immutable versions and files, the texts of their mails, and their printed form."""
