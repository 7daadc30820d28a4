"""Receivables: open items and movements of the ERP become account statements and reminders (PD-6, PD-9 to PD-13)."""
