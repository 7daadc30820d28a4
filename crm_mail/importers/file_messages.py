"""Sentences on canonical JSON, on files that belong together, and on the hot folder."""

from collections.abc import Mapping
from typing import Final

from crm_mail.words import N_

FILE_MESSAGES: Final[Mapping[str, str]] = {
    "broken_json": N_(
        "The JSON is broken at line %(line)s, column %(column)s: %(detail)s. Have the program that wrote it "
        "write it again."
    ),
    "json_constant": N_(
        "The JSON holds %(value)s, which is no JSON number. Have the program that wrote it write a number or null."
    ),
    "json_beyond_reading": N_(
        "The JSON cannot be read: it is nested too deeply, or one of its numbers is too long. "
        "Have the program that wrote it write it again."
    ),
    "damaged": N_(
        "“%(name)s” is named as %(found)s, and its content is not one: it is damaged or cut off. "
        "Ask for the file again."
    ),
    "not_canonical": N_(
        "The JSON is neither a document nor a list of documents. Write one object with type, number, date and party."
    ),
    "canonical_problems": N_("The document was not kept. %(problems)s"),
    "other_company_document": N_(
        "The document belongs to the company “%(value)s”, and this is “%(company)s”. Bring it into that company, "
        "or correct “company”."
    ),
    "canonical_unknown_field": N_("“%(path)s” is not a field of this type: it was kept under “extra”."),
    "replaces_unknown": N_(
        "The document replaces “%(value)s”, which this customer or supplier does not have: nothing was voided."
    ),
    "replaces_several": N_(
        "The document replaces “%(value)s”, and several are called so: nothing was voided. Void the right one by hand."
    ),
    "pair_of_many": N_(
        "“%(name)s” holds %(number)s documents: to which of them %(others)s belongs cannot be told. "
        "Give each document a file of its own."
    ),
    "named_party_unknown": N_(
        "The name “%(name)s” speaks of the customer or supplier “%(value)s”, who is not there. Add the party, "
        "or correct the name."
    ),
    "lone_extra": N_(
        "“%(name)s” is an attachment by its name (_Adj), and the document of the same name did not come. "
        "Put both there together."
    ),
    "folder_file_odd": N_("“%(name)s” is no ordinary file. Put a copy of it there."),
    "folder_events": N_(
        "“%(name)s” holds no events that can be taken in: %(detail)s. Correct it and put it there again."
    ),
    "folder_failed": N_(
        "The file could not be worked on because of an error of this program (%(detail)s). Tell whoever looks after it."
    ),
}
