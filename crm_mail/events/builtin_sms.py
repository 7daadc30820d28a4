"""The texts of SMS that a rule uses when the company wrote none: short, in the languages of messages (pure)."""

from collections.abc import Mapping
from typing import Final

from crm_mail.document_types import TEXT_LANGUAGES

_AMOUNT = "{{ event.amount | money(event.currency) }}"
_DOCUMENT = "{{ event.number }}"


def _fuel(litres: str) -> str:
    """Vehicle, plate, litres and amount (GA-5), each where the event says it."""
    return (
        "{% if event.vehicle %} {{ event.vehicle }}{% endif %}{% if event.plate %} {{ event.plate }}{% endif %}"
        f"{{% if event.litres %}}, {{{{ event.litres | number }}}} {litres}{{% endif %}}"
        f"{{% if event.amount %}}, {_AMOUNT}{{% endif %}}."
    )


_TEXTS: Final[Mapping[str, tuple[str, str, str]]] = {
    "purchase_order.saved": (
        f"ordine {_DOCUMENT} di {_AMOUNT}. Si prega di confermarlo.",
        f"pedido {_DOCUMENT} por {_AMOUNT}. Rogamos confirmar.",
        f"order {_DOCUMENT} of {_AMOUNT}. Please confirm it.",
    ),
    "quote.saved": (
        f"il preventivo {_DOCUMENT} di {_AMOUNT} è pronto.",
        f"su presupuesto {_DOCUMENT} por {_AMOUNT} ya se puede consultar.",
        f"quotation {_DOCUMENT} of {_AMOUNT} is ready.",
    ),
    "payment_order.saved": (
        f"ordine di pagamento {_DOCUMENT} di {_AMOUNT}: presentarsi con l'ordine firmato.",
        f"orden de pago {_DOCUMENT} por {_AMOUNT}: traiga la orden firmada.",
        f"payment order {_DOCUMENT} of {_AMOUNT}: please bring it signed.",
    ),
    "collection.recorded": (
        f"grazie per il pagamento di {_AMOUNT}{{% if event.number %}} ({_DOCUMENT}){{% endif %}}.",
        f"gracias por su pago de {_AMOUNT}{{% if event.number %}} ({_DOCUMENT}){{% endif %}}.",
        f"thank you for your payment of {_AMOUNT}{{% if event.number %}} ({_DOCUMENT}){{% endif %}}.",
    ),
    "fuel.sold": (f"rifornimento{_fuel('litri')}", f"carga{_fuel('litros')}", f"fuel sale{_fuel('litres')}"),
    "invoice.stamped": (
        f"emessa la fattura {_DOCUMENT} di {_AMOUNT}.",
        f"factura {_DOCUMENT} emitida por {_AMOUNT}.",
        f"invoice {_DOCUMENT} of {_AMOUNT} has been issued.",
    ),
}


def builtin_sms(kind_id: str) -> dict[str, str]:
    """Language → text of a kind; empty for kinds that are for the staff, or of other programs."""
    texts = _TEXTS.get(kind_id)
    if texts is None:
        return {}
    return {
        language: f"{{{{ company.name }}}}: {text}"
        for language, text in zip(TEXT_LANGUAGES, texts, strict=True)
    }
