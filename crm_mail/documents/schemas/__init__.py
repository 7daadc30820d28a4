"""Canonical documents: one schema per type, and the check that every importer passes through.

`docs/schemas/` publishes them, made by `scripts/schema_docs.py`.
"""

from crm_mail.document_types import FieldKind, OwnField, OwnSchema
from crm_mail.documents.schemas.canonical import (
    SCHEMAS,
    Canonical,
    canonical_json,
    schema_of,
    validate_canonical,
)
from crm_mail.documents.schemas.envelope import Envelope
from crm_mail.documents.schemas.problems import PROBLEMS, Problem

__all__ = [
    "PROBLEMS",
    "SCHEMAS",
    "Canonical",
    "Envelope",
    "FieldKind",
    "OwnField",
    "OwnSchema",
    "Problem",
    "canonical_json",
    "schema_of",
    "validate_canonical",
]
