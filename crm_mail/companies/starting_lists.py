"""What a new company begins with: contact roles and the names of the privacy levels, in its own language.

The company edits both afterwards (IT-10, IT-17). Pure.
"""

LANGUAGES = ("it", "es", "en")

ROLES = {
    "it": (
        "Amministrazione",
        "Logistica",
        "Ufficio qualità",
        "Responsabile vendite",
        "Direzione",
        "Ufficio acquisti",
    ),
    "es": (
        "Administración",
        "Logística",
        "Oficina de calidad",
        "Jefe de ventas",
        "Dirección",
        "Compras",
    ),
    "en": ("Administration", "Logistics", "Quality office", "Sales manager", "Management", "Purchasing"),
}

PRIVACY_LEVELS = {
    "it": ("Pubblico", "Interno", "Riservato", "Confidenziale"),
    "es": ("Público", "Interno", "Reservado", "Confidencial"),
    "en": ("Public", "Internal", "Reserved", "Confidential"),
}
"""By level, 0 to 3."""
