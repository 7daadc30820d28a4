"""Words of statements, reminders, transfer advices, declarations and closes: key → (it, es, en)."""

LEDGER_LABELS: dict[str, tuple[str, str, str]] = {
    "as_of": ("Aggiornato al", "Actualizado al", "As of"),
    "period": ("Periodo", "Periodo", "Period"),
    "movements": ("Movimenti", "Movimientos", "Movements"),
    "document": ("Documento", "Documento", "Document"),
    "debit": ("Dare", "Cargo", "Debit"),
    "credit": ("Avere", "Abono", "Credit"),
    "balance": ("Saldo", "Saldo", "Balance"),
    "opening_balance": ("Saldo iniziale", "Saldo inicial", "Opening balance"),
    "closing_balance": ("Saldo finale", "Saldo final", "Closing balance"),
    "in_our_favour": ("a Vostro debito", "a su cargo", "owed by you"),
    "in_your_favour": ("a Vostro credito", "a su favor", "in your favour"),
    "overdue": ("scaduto", "vencido", "overdue"),
    "aging": ("Scadenze", "Antigüedad", "Aging"),
    "not_due": ("A scadere", "Por vencer", "Not due"),
    "days": ("gg", "d.", "d."),
    "no_movements": (
        "Nessun movimento nel periodo.",
        "Sin movimientos en el periodo.",
        "No movements in the period.",
    ),
    "errors_excepted": (
        "Salvo errori e omissioni.",
        "Salvo error u omisión.",
        "Errors and omissions excepted.",
    ),
}
