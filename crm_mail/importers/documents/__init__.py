"""Documents from files: one or many, alone or in an archive, each kept or refused by itself."""
