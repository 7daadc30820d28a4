"""Users: the people of the office, how they sign in, and what each may do."""
