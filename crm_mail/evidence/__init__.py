"""What comes back: receipts, bounces and replies, what they prove about a message, and the dossier that shows it."""
