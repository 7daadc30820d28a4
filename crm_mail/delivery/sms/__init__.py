"""SMS: numbers, lengths, and gateways that take texts. A library like the mail side: knows no contacts and no runs."""
