"""The English sentence of every code an importer can return: what is wrong, where, and what to do.

The sentences are gettext msgids in the ``%(name)s`` style; the web layer translates them and fills in the
parameters, the command line prints them as they are.
"""

from collections.abc import Mapping
from typing import Final

from crm_mail.documents.schemas.problems import Problem
from crm_mail.importers.file_messages import FILE_MESSAGES
from crm_mail.importers.ledger_messages import LEDGER_MESSAGES
from crm_mail.words import N_

REFUSALS: Final[Mapping[str, str]] = {
    # any file
    "empty_file": N_("The file is empty. Export it again and check that it holds data."),
    "file_too_large": N_(
        "The file has %(size_mb)s MB; at most %(limit_mb)s MB are read. Split it into smaller files."
    ),
    "zip_bomb": N_(
        "Unpacked, the file would take %(size_mb)s MB, more than the %(limit_mb)s MB allowed. "
        "It was not opened: save it again as CSV or split it."
    ),
    "wrong_format": N_("This is %(found)s, not %(expected)s. %(remedy)s"),
    "pdf_needs_fields": N_(
        "“%(name)s” is a PDF: it does not say which document it is. "
        "Upload it with its type, number, date and party."
    ),
    "not_a_pdf": N_("“%(name)s” is not a PDF. Choose the PDF of the document."),
    "number_missing": N_("The number of the document is missing. Enter it and repeat."),
    # tables
    "unreadable_table": N_(
        "The spreadsheet cannot be read (%(detail)s). Open it, save it again as XLSX or CSV and repeat."
    ),
    "password_protected": N_("The spreadsheet is protected by a password. Remove the password and repeat."),
    "too_many_rows": N_("The table has more than %(limit)s rows. Split it into smaller files."),
    "too_many_columns": N_("The table has more than %(limit)s columns. Delete the ones that are not needed."),
    "sheet_too_wide": N_(
        "The sheet “%(sheet)s” stretches over %(rows)s rows and %(columns)s columns. "
        "Delete the stray cells far from the data and save it again."
    ),
    "no_such_sheet": N_("The file has no sheet “%(sheet)s”. Its sheets are: %(sheets)s."),
    "line_too_long": N_(
        "Line %(row)s is longer than %(limit)s characters: this is not a table of text. "
        "Check the file and export it again."
    ),
    "quote_never_closed": N_(
        'The quotation mark (") opened in row %(row)s is never closed. Close or remove it and repeat.'
    ),
    "no_rows": N_("There is a header but no row below it. Check that the export holds data."),
    "no_header": N_(
        "No row with column names was found among the first %(rows)s. "
        "The first row must name the columns, for example: party_code, party_name, contact_email."
    ),
    "missing_columns": N_(
        "The column for %(missing)s is missing. The columns found are: %(headers)s. "
        "Add the column, or say which of these columns holds it."
    ),
    "open_items_not_contacts": N_(
        "This is a list of open items or account movements (columns %(headers)s), not of contacts. "
        "Choose a file with names and addresses; a list of open items belongs to the account statements."
    ),
    "unknown_mapping_field": N_(
        "The mapping sends the column “%(header)s” to “%(field)s”, which is not a field. "
        "Choose one of the fields offered."
    ),
    "mapping_column_absent": N_(
        "The mapping expects the column “%(header)s”, which the file does not have. "
        "Its columns are: %(headers)s."
    ),
    # XML
    "hostile_xml": N_(
        "The XML declares a document type or entities (line %(line)s), which an invoice never does and which "
        "can be used for an attack. It was not read: ask the sender for a clean file."
    ),
    "broken_xml": N_(
        "The XML is broken at line %(line)s, column %(column)s: %(detail)s. Ask the sender for the file again."
    ),
    "xml_text_too_long": N_(
        "One element of the XML (line %(line)s), probably an attachment, is larger than 10 MB and is not read. "
        "Ask the sender for a file without that attachment."
    ),
    "missing_element": N_(
        "The element %(element)s is missing in %(place)s. Without it the document cannot be kept: "
        "ask the sender for a complete file."
    ),
    "bad_value": N_(
        "The element %(element)s in %(place)s holds “%(value)s”, which is not %(expected)s. "
        "Correct it at the source and import the file again."
    ),
    "unreadable_invoice": N_(
        "The file looks like an electronic invoice and cannot be read as one: %(detail)s. "
        "Ask the sender for the file again."
    ),
    "damaged_pdf": N_(
        "The PDF is damaged, cut off or protected by a password (%(detail)s). Save it again and repeat."
    ),
    "parser_timeout": N_(
        "Reading the file took more than %(seconds)s seconds and was stopped: it is damaged, or made to do harm. "
        "Ask the sender for the file again."
    ),
    "parser_died": N_(
        "The file needs more memory than is allowed and was not read: it is damaged, or made to do harm. "
        "Ask the sender for the file again."
    ),
    "generic_rfc": N_(
        "“%(name)s” is made out to the generic RFC %(value)s, which stands for nobody in particular. Put the code "
        "of the customer into the file's name (for example C0123_A-45.xml) or into the Addenda, and import it again."
    ),
    "zip_damaged": N_("The ZIP archive is damaged or cut off (%(detail)s). Make it again and repeat."),
    "zip_encrypted": N_(
        "“%(name)s” is protected by a password inside the ZIP archive. Unpack it and import the files."
    ),
    "zip_too_many": N_("The ZIP archive holds more than %(limit)s files. Split it."),
    "zip_too_deep": N_("“%(name)s” is a ZIP archive inside too many others. Unpack it and import the files."),
    "zip_empty": N_("The ZIP archive holds no file."),
    "p7m_unreadable": N_(
        "The signed file (.p7m) cannot be opened: %(detail)s. "
        "Open it with your signature software, extract the XML and import that."
    ),
}

ROW_MESSAGES: Final[Mapping[str, str]] = {
    "other_seller": N_(
        "The seller of this invoice (%(seller)s) is not this company, nor is the buyer: "
        "it was kept as an invoice to its buyer and is not mailed until somebody allows it on its page. "
        "Check the company's VAT number."
    ),
    "already_stamped": N_(
        "The document %(number)s is there with its stamp already: this copy without a stamp was not kept."
    ),
    "receipt_waits": N_(
        "The receipt is kept. No document of the file %(name)s is here yet: it will be told when it arrives."
    ),
    "receipt_rejected": N_(
        "The Sistema di Interscambio rejected this invoice; it will not be mailed. Its reason: %(reason)s"
    ),
    "receipt_not_delivered": N_(
        "The Sistema di Interscambio could not deliver this invoice: send the customer the courtesy copy."
    ),
    # errors: the row is not applied
    "scientific_code": N_(
        "“%(value)s” is a code that the spreadsheet turned into a number in scientific notation: digits may be "
        "lost. Format the column as text, type the code again and repeat."
    ),
    "formula_without_value": N_(
        "The cell holds a formula whose result was never calculated. Open the file in the spreadsheet program, "
        "save it and repeat, or paste the values."
    ),
    "cell_error": N_("The cell shows the error %(value)s. Correct the formula or clear the cell."),
    "unbalanced_quotes": N_(
        'The row has a quotation mark (") that is opened and not closed. Double it or remove it.'
    ),
    "too_many_cells": N_(
        "The row has %(cells)s cells, the header %(columns)s. A cell probably contains the separator: "
        "put it between quotation marks."
    ),
    "party_missing": N_("The row names no party: the code is empty. Fill in %(columns)s."),
    "address_invalid": N_("“%(value)s” is not an e-mail address: %(reason)s. Correct or clear it."),
    "bad_kind": N_("“%(value)s” is not a kind of party. Use customer, supplier or both."),
    "bad_birthday": N_(
        "“%(value)s” is not a birthday and was left out. Write 1980-03-31, 31/3/1980, or 31/3 without a year."
    ),
    "bad_privacy_level": N_("“%(value)s” is not a privacy level. Use 0 (public), 1, 2 or 3 (confidential)."),
    "bad_yes_no": N_("“%(value)s” is neither yes nor no. Use S or N, yes or no, 1 or 0, x or nothing."),
    "unknown_document_type": N_("“%(value)s” is not a document type. Use: %(allowed)s."),
    "bad_subscription": N_(
        "“%(value)s” cannot be read as a subscription. Write the document type, with :cc for a copy, "
        "for example invoice|credit_note:cc."
    ),
    "bad_characteristic": N_(
        "“%(value)s” cannot be read as a characteristic. Write a name, or name=value, separated by |."
    ),
    "bad_consent": N_(
        "“%(value)s” cannot be read as a consent. Write commercial, greetings, profiling or sms, with a day or “no” "
        "after =, separated by |: commercial=2026-01-05|sms=no."
    ),
    "bad_packaging": N_("“%(value)s” is not the code of a packaging: left out."),
    "unknown_packaging": N_(
        "There is no packaging “%(value)s” for this customer: left out. Add that packaging, or name one of: %(known)s."
    ),
    "too_many_packaging_emails": N_("Too many addresses behind the packaging: %(value)s is left out."),
    "bad_credit_days": N_("“%(value)s” is not a number of days from 0 to 999: left out."),
    "bad_language": N_("“%(value)s” is not a language. Use a code such as it, es or en."),
    "bad_country": N_("“%(value)s” is not a country. Use the two-letter code, for example IT."),
    "other_company": N_(
        "The row belongs to the company “%(value)s”, and you are importing into “%(company)s”. "
        "Import it into that company or correct the column."
    ),
    "row_asks_deletion": N_(
        "The row asks for a deletion (“%(value)s”), which an import never does. Block the party or delete the "
        "contact by hand."
    ),
    "too_long": N_("“%(value)s” is too long: at most %(maximum)s characters. Shorten it."),
    "outside_sight": N_(
        "You may not import this row: the customer is not of your agents or zones. Ask a colleague to import it."
    ),
    "level_above_own": N_(
        "The privacy level %(value)s is above your clearance (%(own)s): you would not see the contact any more. "
        "Use a lower level, or ask a colleague with that clearance to import the row."
    ),
    # warnings: the row is applied
    "code_like_stored": N_(
        "The code “%(value)s” differs only by leading zeros from “%(other)s”, which is stored already. "
        "They are two parties: check."
    ),
    "code_made": N_("The party has no code: it was given the code “%(value)s”."),
    "code_adopted": N_("The party was known as “%(other)s” and takes the code of the file, “%(value)s”."),
    "ambiguous_party": N_(
        "Several parties have the number “%(value)s”: the row was taken for “%(code)s”. "
        "Add the party code to the row."
    ),
    "billing_extra": N_(
        "A party has one billing address: “%(value)s” is kept, not used: %(others)s. "
        "Subscribe contacts instead of a billing address to reach them all."
    ),
    "phones_left_out": N_("There is no room for all telephone numbers. Left out: %(numbers)s."),
    "kind_differs": N_(
        "The address “%(value)s” is stored as %(stored)s and stays so, although the file says %(given)s."
    ),
    "address_erased": N_(
        "“%(value)s” belongs to somebody whose data were erased at their request. Take it in only when that person has "
        "given it anew."
    ),
    "address_changed": N_(
        "“%(name)s” had other addresses: “%(value)s” was put before them, and they stay. "
        "Delete the old ones by hand when they are no longer in use."
    ),
    "exchange_address_ignored": N_(
        "“%(value)s” is an internal address of a Microsoft Exchange server, not an e-mail address: left out."
    ),
    "mixed_encoding": N_(
        "This row is encoded differently (%(encoding)s) from the rest of the file. Check its accented letters."
    ),
    "unreadable_character": N_("A character of this row could not be read and shows as �. Correct it."),
    "code_like_another": N_(
        "The code “%(value)s” differs only by leading zeros from “%(other)s”, row %(other_row)s. "
        "They are taken as two parties: check."
    ),
    "matched_by_name": N_(
        "The row has no party code and no VAT number: the party is recognised by its name, “%(name)s”."
    ),
    "party_named_as_contact": N_(
        "The row names no company: a party is made with the contact's own name, “%(name)s”."
    ),
    "party_named_as_address": N_(
        "The row has neither company nor name: the address “%(name)s” is used as name."
    ),
    "contact_named_as_party": N_(
        "The row names no person: the contact takes the name of the party, “%(name)s”."
    ),
    "generic_tax_code": N_(
        "“%(value)s” is the generic tax code of the general public or of foreigners: it identifies nobody "
        "and is left out."
    ),
    "duplicate_address": N_("The address “%(value)s” is written twice in the row: kept once."),
    "second_code_ignored": N_(
        "The row has also the supplier code “%(value)s”; the party is kept under the customer code."
    ),
    "several_names_one_code": N_(
        "The code “%(value)s” was called “%(other)s” in row %(other_row)s: the name of this row is kept."
    ),
    # notes on the table
    "title_rows_skipped": N_("%(rows)s row(s) above the column names were skipped."),
    "totals_row_skipped": N_("Row %(row)s looks like a total and was skipped: “%(text)s”."),
    "other_sheets_ignored": N_("Only the sheet “%(sheet)s” was read. Not read: %(others)s."),
    "columns_ignored": N_("These columns are not used: %(headers)s."),
    # notes on a document
    "recovered_xml": N_("The XML has an error (line %(line)s: %(detail)s) and was read all the same."),
    "assumed_currency": N_("The currency is missing: EUR was assumed."),
    "assumed_total": N_("The total is missing: it was computed from the VAT summary, %(total)s."),
    "total_unknown": N_("The document shows no total and no VAT summary."),
    "total_differs": N_("The total %(total)s differs from the VAT summary, %(computed)s."),
    "bad_attachment": N_("The attachment “%(name)s” is damaged (not base64) and was left out."),
    "empty_attachment": N_("The attachment “%(name)s” is empty and was left out."),
    "due_date_computed": N_("A due date is missing: %(date)s was computed from the terms."),
    "due_date_missing": N_("A payment of %(amount)s has no due date."),
    "ignored_value": N_("The element %(element)s holds “%(value)s”, which is not %(expected)s: left out."),
    "missing_transmission": N_("The transmission data (%(element)s) are missing."),
    "unknown_document_code": N_("The document type %(value)s is not known: it is kept as an invoice."),
    "signature_not_verified": N_("The signature of the file was not verified."),
}

MESSAGES: Final[Mapping[str, str]] = {**REFUSALS, **ROW_MESSAGES, **LEDGER_MESSAGES, **FILE_MESSAGES}


class ProblemList(tuple[Problem, ...]):
    """Problems of a canonical document as one parameter of a message; as a text they are in English."""

    __slots__ = ()

    def __str__(self) -> str:
        return " ".join(problem.message for problem in self)


def render_message(code: str, params: Mapping[str, object]) -> str:
    """Give the English sentence of `code` filled with `params` (KeyError when the code does not exist)."""
    return MESSAGES[code] % params
