"""Packing: the files of drafts as their packaging wants them, renamed, with a byte-order mark or an addenda, zipped.

What is made is a stored file like any other, addressed by its content and frozen with the message; the originals stay
as they are. A run that is rolled back leaves such files behind unused, which the store allows.
"""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.delivery.routing import Channel
from crm_mail.documents.models import Document
from crm_mail.documents.packaging import LEGAL_XML, NamedDocument, PackagingFacts, name_files, split_ending
from crm_mail.documents.packaging_xml import add_addenda, add_bom
from crm_mail.installation import Installation
from crm_mail.many_rows import chunks
from crm_mail.outbox.links.link_tokens import new_token
from crm_mail.outbox.preparing.drafts import Draft, LinkedFiles, encoded_size
from crm_mail.outbox.preparing.facts import DocumentFacts, FileFacts
from crm_mail.storage import BlobStore, StoredFileDamaged, StoredFileMissing

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same files give the same archive, and are stored once
_AT_ONCE = 500


@dataclass(slots=True)
class FilePacker:
    """Packs the drafts of one run.

    Args:
        home: whose store keeps what is made; None: nothing is made, files are only renamed.
        company: its fields, as texts name them.
        max_bytes: largest size of a message's files, encoded.
    """

    session: Session
    home: Installation | None
    company: Mapping[str, Any]
    max_bytes: int
    _made: dict[tuple[str, bool, str], tuple[str, int]] = field(default_factory=dict)

    @property
    def store(self) -> BlobStore | None:
        """Where files are kept."""
        return self.home.store if self.home else None

    def pack(self, drafts: Sequence[Draft]) -> None:
        """Change the files of the drafts whose packaging asks for it; the others are not looked at."""
        wanted = [d for d in drafts if d.packaging is not None and d.packaging.makes_files]
        if not wanted:
            return
        uuids = self._read_uuids(wanted)
        for draft in wanted:
            assert draft.packaging is not None
            self._pack(draft, draft.packaging, uuids)

    def _read_uuids(self, drafts: Sequence[Draft]) -> dict[int, str]:
        ids = [
            document.id
            for draft in drafts
            if draft.packaging and draft.packaging.pattern and "uuid" in draft.packaging.pattern.facts
            for document in draft.documents
        ]
        found: dict[int, str] = {}
        for part in chunks(ids, _AT_ONCE):
            query = select(Document.id, Document.data).where(Document.id.in_(part))
            found |= {id_: _uuid(data) for id_, data in self.session.execute(query)}
        return found

    def _pack(self, draft: Draft, facts: PackagingFacts, uuids: Mapping[int, str]) -> None:
        named = [self._named(draft, document, uuids) for document in draft.documents]
        names = name_files(facts.pattern, named)
        draft.documents = [
            document._replace(
                files=tuple(
                    self._rewritten(file, facts)._replace(name=name)
                    for file, name in zip(document.files, of_files, strict=True)
                ),
            )
            for document, of_files in zip(draft.documents, names, strict=True)
        ]
        if facts.zip_above is not None and sum(file.size for file in draft.files) > facts.zip_above:
            draft.archive = self._archived(draft.files)
        if facts.link_above is not None and draft.channel is Channel.SMTP and self.home is not None:
            size = sum(file.size for file in draft.files)
            if size > facts.link_above or encoded_size(draft.files) > self.max_bytes:
                self._link(draft, facts.link_days, self.home)

    def _link(self, draft: Draft, days: int, home: Installation) -> None:
        """Offer the files by a link; a draft that lacks one keeps them, and its issues say so."""
        first = draft.documents[0].id
        files = (
            ((draft.archive, first),)
            if draft.archive
            else tuple((file, document.id) for document in draft.documents for file in document.files)
        )
        if not all(home.store.has(file.sha256) for file, _document in files):
            return
        token = new_token([[file.name, file.sha256] for file, _document in files])
        url = f"{home.settings.resolved_public_url}/download/{token}"
        draft.linked = LinkedFiles(token, url, days, files)

    def _named(self, draft: Draft, document: DocumentFacts, uuids: Mapping[int, str]) -> NamedDocument:
        party = draft.party.fields
        texts = {
            "customer": draft.party.code,
            "customer_name": draft.party.name,
            "company": str(self.company["code"]),
            "type": document.type,
            "number": document.number,
            "series": document.series,
            "seller_tax_id": str(self.company["vat_number"]),
            "buyer_tax_id": party["vat_number"] or party["tax_code"],
            "uuid": uuids.get(document.id, ""),
        }
        return NamedDocument(texts, document.dated_on, [file.name for file in document.files])

    def _rewritten(self, file: FileFacts, facts: PackagingFacts) -> FileFacts:
        """The legal XML's copy with what the packaging adds; other files, and signed ones, as they are."""
        if file.role != LEGAL_XML or not (facts.has_bom or facts.addenda) or self.store is None:
            return file
        if split_ending(file.name)[1].lower() != ".xml":
            return file
        key = (file.sha256, facts.has_bom, facts.addenda)
        if key not in self._made:
            data = self._read(file)
            if data is None:
                return file
            data = add_addenda(data, facts.addenda)
            data = add_bom(data) if facts.has_bom else data
            self._made[key] = self.store.put(data), len(data)
        sha256, size = self._made[key]
        return file._replace(sha256=sha256, size=size)

    def _archived(self, files: Sequence[FileFacts]) -> FileFacts | None:
        """All files in one archive; None when one of them is not to be had, which the message's issues say."""
        if self.store is None:
            return None
        content = [self._read(file) for file in files]
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file, data in zip(files, content, strict=True):
                if data is None:
                    return None
                archive.writestr(zipfile.ZipInfo(file.name, _EPOCH), data, zipfile.ZIP_DEFLATED)
        made = packed.getvalue()
        name = f"{split_ending(files[0].name)[0]}.zip"
        return FileFacts(name, "application/zip", self.store.put(made), len(made))

    def _read(self, file: FileFacts) -> bytes | None:
        read: Callable[[str], bytes] | None = self.store.read if self.store else None
        try:
            return read(file.sha256) if read else None
        except (StoredFileMissing, StoredFileDamaged):
            return None


def _uuid(data: Mapping[str, Any]) -> str:
    """The fiscal folio of a stamped document (Anexo 20: TimbreFiscalDigital)."""
    stamp, legal = data.get("stamp") or {}, data.get("legal") or {}
    return str(stamp.get("uuid") or legal.get("uuid") or data.get("uuid") or "").upper()
