"""Reviewing: a person looks at a prepared run, leaves rows out, corrects them and approves."""
