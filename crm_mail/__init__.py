"""CRM Mail: sends an office's business documents to the right people, and can prove it."""
