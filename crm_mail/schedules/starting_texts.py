"""The words that a new special date begins with, in the languages of messages (pure)."""

from crm_mail.schedules.models import Celebration

_TEXTS = {
    Celebration.BIRTHDAY: {
        "it": (
            "Buon compleanno, {{ contact.name }}!",
            "Gentile {{ contact.name }},\n\ni nostri più sinceri auguri di buon compleanno.\n\n{{ company.name }}",
        ),
        "es": (
            "¡Feliz cumpleaños, {{ contact.name }}!",
            "Estimado/a {{ contact.name }}:\n\nle deseamos un muy feliz cumpleaños.\n\n{{ company.name }}",
        ),
        "en": (
            "Happy birthday, {{ contact.name }}!",
            "Dear {{ contact.name }},\n\nwe wish you a very happy birthday.\n\n{{ company.name }}",
        ),
    },
    Celebration.CHRISTMAS: {
        "it": (
            "Buon Natale",
            "Gentile {{ contact.name }},\n\nauguriamo un sereno Natale.\n\n{{ company.name }}",
        ),
        "es": (
            "Feliz Navidad",
            "Estimado/a {{ contact.name }}:\n\nle deseamos una feliz Navidad.\n\n{{ company.name }}",
        ),
        "en": (
            "Merry Christmas",
            "Dear {{ contact.name }},\n\nwe wish you a merry Christmas.\n\n{{ company.name }}",
        ),
    },
    Celebration.NEW_YEAR: {
        "it": (
            "Buon anno",
            "Gentile {{ contact.name }},\n\nauguriamo un felice anno nuovo.\n\n{{ company.name }}",
        ),
        "es": (
            "Feliz Año Nuevo",
            "Estimado/a {{ contact.name }}:\n\nle deseamos un feliz Año Nuevo.\n\n{{ company.name }}",
        ),
        "en": (
            "Happy New Year",
            "Dear {{ contact.name }},\n\nwe wish you a happy New Year.\n\n{{ company.name }}",
        ),
    },
}


def starting_texts(celebration: Celebration) -> dict[str, tuple[str, str]]:
    """(subject, body) by language; none for a day of the company's choice."""
    return _TEXTS.get(celebration, {})
