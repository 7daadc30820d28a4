"""The texts that a rule uses when the company wrote none, in the languages of messages (pure)."""

from typing import Final

from crm_mail.document_types import TEXT_LANGUAGES

Texts = dict[str, dict[str, str]]

_DOCUMENT = "{{ event.number }}{% if event.date %} ({{ event.date | date }}){% endif %}"
_AMOUNT = "{{ event.amount | money(event.currency) }}"
_FUEL = {
    "it": ("Veicolo", "Targa", "Litri", "Importo", "Impianto"),
    "es": ("Vehículo", "Placa", "Litros", "Importe", "Estación"),
    "en": ("Vehicle", "Plate", "Litres", "Amount", "Station"),
}


def _line(label: str, name: str, shown: str = "") -> str:
    """A line that is left out where the event says nothing."""
    return f"{{% if event.{name} %}}{label}: {shown or f'{{{{ event.{name} }}}}'}\n{{% endif %}}\n"


def _fuel(language: str) -> str:
    vehicle, plate, litres, amount, station = _FUEL[language]
    return (
        _line(vehicle, "vehicle")
        + _line(plate, "plate")
        + _line(litres, "litres", "{{ event.litres | number }}")
        + _line(amount, "amount", _AMOUNT)
        + _line(station, "station")
    )


_SUBJECTS: Final = {
    "purchase_order.saved": ("Ordine {{ event.number }}", "Pedido {{ event.number }}", "Order {{ event.number }}"),
    "quote.saved": (
        "Preventivo {{ event.number }}", "Presupuesto {{ event.number }}", "Quotation {{ event.number }}",
    ),
    "payment_order.saved": (
        "Ordine di pagamento {{ event.number }}", "Orden de pago {{ event.number }}",
        "Payment order {{ event.number }}",
    ),
    "collection.recorded": ("Grazie per il pagamento", "Gracias por su pago", "Thank you for your payment"),
    "cash_close.done": (
        "Chiusura di cassa {{ event.date | date }} {{ event.shop }}",
        "Cierre de caja {{ event.date | date }} {{ event.shop }}",
        "Cash close {{ event.date | date }} {{ event.shop }}",
    ),
    "sales_close.done": (
        "Chiusura delle vendite {{ event.date | date }} {{ event.shop }}",
        "Cierre de ventas {{ event.date | date }} {{ event.shop }}",
        "Sales close {{ event.date | date }} {{ event.shop }}",
    ),
    "fuel.sold": (
        "Rifornimento {{ event.plate }}", "Carga de combustible {{ event.plate }}", "Fuel sale {{ event.plate }}",
    ),
    "record.changed": (
        "Modificato: {{ event.record }} {{ event.code }}", "Modificado: {{ event.record }} {{ event.code }}",
        "Changed: {{ event.record }} {{ event.code }}",
    ),
    "record.deleted": (
        "Eliminato: {{ event.record }} {{ event.code }}", "Eliminado: {{ event.record }} {{ event.code }}",
        "Deleted: {{ event.record }} {{ event.code }}",
    ),
    "invoice.stamped": ("Fattura {{ event.number }}", "Factura {{ event.number }}", "Invoice {{ event.number }}"),
}  # fmt: skip

_IT: Final = {
    "purchase_order.saved": f"abbiamo emesso l'ordine {_DOCUMENT} di {_AMOUNT}.\n\nSi prega di confermarlo.",
    "quote.saved": f"è pronto il preventivo {_DOCUMENT} di {_AMOUNT}.",
    "payment_order.saved": f"è pronto l'ordine di pagamento {_DOCUMENT} di {_AMOUNT}.\n\n"
    "Si prega di presentarsi con l'ordine stampato e firmato.",
    "collection.recorded": f"abbiamo ricevuto il pagamento {_DOCUMENT} di {_AMOUNT}. Grazie.\n\n"
    + _line("Documenti", "invoices"),
    "cash_close.done": _line("Punto vendita", "shop")
    + _line("Cassiere", "cashier")
    + _line("Incasso", "amount", _AMOUNT)
    + _line("Differenza", "difference", "{{ event.difference | money(event.currency) }}"),
    "sales_close.done": _line("Punto vendita", "shop")
    + _line("Vendite", "amount", _AMOUNT)
    + _line("Scontrini", "tickets"),
    "fuel.sold": "abbiamo registrato il rifornimento:\n\n" + _fuel("it"),
    "record.changed": _line("Nome", "name")
    + _line("Da", "user")
    + _line("Quando", "at")
    + "\n{{ event.changes }}",
    "record.deleted": _line("Nome", "name")
    + _line("Da", "user")
    + _line("Quando", "at")
    + "\n{{ event.changes }}",
    "invoice.stamped": f"è stata emessa la fattura {_DOCUMENT} di {_AMOUNT}.",
}
_ES: Final = {
    "purchase_order.saved": f"hemos emitido el pedido {_DOCUMENT} por {_AMOUNT}.\n\nRogamos su confirmación.",
    "quote.saved": f"está listo el presupuesto {_DOCUMENT} por {_AMOUNT}.",
    "payment_order.saved": f"está lista la orden de pago {_DOCUMENT} por {_AMOUNT}.\n\n"
    "Rogamos traer la orden impresa y firmada.",
    "collection.recorded": f"hemos recibido el pago {_DOCUMENT} por {_AMOUNT}. Gracias.\n\n"
    + _line("Documentos", "invoices"),
    "cash_close.done": _line("Tienda", "shop")
    + _line("Cajero", "cashier")
    + _line("Cobrado", "amount", _AMOUNT)
    + _line("Diferencia", "difference", "{{ event.difference | money(event.currency) }}"),
    "sales_close.done": _line("Tienda", "shop")
    + _line("Ventas", "amount", _AMOUNT)
    + _line("Tickets", "tickets"),
    "fuel.sold": "hemos registrado la carga de combustible:\n\n" + _fuel("es"),
    "record.changed": _line("Nombre", "name")
    + _line("Por", "user")
    + _line("Cuándo", "at")
    + "\n{{ event.changes }}",
    "record.deleted": _line("Nombre", "name")
    + _line("Por", "user")
    + _line("Cuándo", "at")
    + "\n{{ event.changes }}",
    "invoice.stamped": f"se ha emitido la factura {_DOCUMENT} por {_AMOUNT}.",
}
_EN: Final = {
    "purchase_order.saved": f"we have placed the order {_DOCUMENT} of {_AMOUNT}.\n\nPlease confirm it.",
    "quote.saved": f"the quotation {_DOCUMENT} of {_AMOUNT} is ready.",
    "payment_order.saved": f"the payment order {_DOCUMENT} of {_AMOUNT} is ready.\n\n"
    "Please bring the order with you, printed and signed.",
    "collection.recorded": f"we have received your payment {_DOCUMENT} of {_AMOUNT}. Thank you.\n\n"
    + _line("Documents", "invoices"),
    "cash_close.done": _line("Shop", "shop")
    + _line("Cashier", "cashier")
    + _line("Takings", "amount", _AMOUNT)
    + _line("Difference", "difference", "{{ event.difference | money(event.currency) }}"),
    "sales_close.done": _line("Shop", "shop")
    + _line("Sales", "amount", _AMOUNT)
    + _line("Tickets", "tickets"),
    "fuel.sold": "we have recorded this fuel sale:\n\n" + _fuel("en"),
    "record.changed": _line("Name", "name")
    + _line("By", "user")
    + _line("When", "at")
    + "\n{{ event.changes }}",
    "record.deleted": _line("Name", "name")
    + _line("By", "user")
    + _line("When", "at")
    + "\n{{ event.changes }}",
    "invoice.stamped": f"the invoice {_DOCUMENT} of {_AMOUNT} has been issued.",
}
_TO_STAFF: Final = ("cash_close.done", "sales_close.done", "record.changed", "record.deleted")
_OPENING: Final = {
    "it": "Gentile {{ contact.name or party.name }},\n\n",
    "es": "Estimado/a {{ contact.name or party.name }}:\n\n",
    "en": "Dear {{ contact.name or party.name }},\n\n",
}
_CLOSING: Final = "\n\n{{ company.name }}"


def builtin_texts(kind_id: str) -> Texts:
    """Language → ``subject`` and ``body`` of a kind; empty for kinds of other programs."""
    if kind_id not in _SUBJECTS:
        return {}
    found: Texts = {}
    for position, language in enumerate(TEXT_LANGUAGES):
        body = {"it": _IT, "es": _ES, "en": _EN}[language][kind_id]
        if kind_id not in _TO_STAFF:
            body = _OPENING[language] + body
        found[language] = {"subject": _SUBJECTS[kind_id][position], "body": body + _CLOSING}
    return found
