"""What DNS knows of a domain: whether it is PEC, and whether mail from it will be trusted."""
