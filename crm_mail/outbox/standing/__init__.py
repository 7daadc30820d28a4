"""Standing authorisations: a person's word, with limits, that runs of an automation may be committed."""
