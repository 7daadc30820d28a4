"""Translating outside of a page: `crm_mail.web.translating`, under the name by which this room knows it."""

from crm_mail.web.translating import Translate, translator

__all__ = ["Translate", "translator"]
