"""What a company's data must look like: every value checked, every refusal with its field and remedy. Pure."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from zoneinfo import available_timezones

from crm_mail.companies.starting_lists import LANGUAGES
from crm_mail.companies.tax_numbers import country_of
from crm_mail.delivery.addresses import AddressInvalid, normalise_address
from crm_mail.refusals import Refusal

_CODE = re.compile(r"[^\W_][\w.\-]{0,19}")  # no colon (TYPE:ACTION:COMPANY), no blank, no slash
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LENGTHS = {
    "code": 20,
    "name": 200,
    "vat_number": 30,
    "tax_code": 30,
    "address": 200,
    "postcode": 20,
    "city": 100,
    "province": 50,
    "country": 2,
    "phone": 50,
    "website": 200,
}
_HOME = "IT"
"""The country of a company whose numbers tell none."""
_ADDRESSES = ("email", "error_address", "test_address")
RANGES: dict[str, tuple[int, int]] = {"undo_seconds": (0, 3600), "max_message_mb": (1, 100)}


class Problem(StrEnum):
    """Closed set of refusals; the value is the stable code."""

    REQUIRED = "required"
    TOO_LONG = "too_long"
    CONTROL = "control"
    OUT_OF_RANGE = "out_of_range"
    BAD_ADDRESS = "bad_address"
    BAD_CODE = "bad_code"
    CODE_TAKEN = "code_taken"
    BAD_COUNTRY = "bad_country"
    BAD_LANGUAGE = "bad_language"
    BAD_TIMEZONE = "bad_timezone"
    BAD_WEBSITE = "bad_website"
    WRONG_ACCOUNT = "wrong_account"
    NOT_AN_IMAGE = "not_an_image"
    IMAGE_TOO_LARGE = "image_too_large"
    BAD_TYPE_ID = "bad_type_id"
    TYPE_TAKEN = "type_taken"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_VALUE = "unknown_value"
    BAD_FIELD_NAME = "bad_field_name"
    BAD_FIELD_KIND = "bad_field_kind"
    FIELD_TWICE = "field_twice"
    TOO_MANY = "too_many"
    NO_FILES = "no_files"
    BAD_FOLDER = "bad_folder"
    BAD_PATTERN = "bad_pattern"
    BAD_ADDENDA = "bad_addenda"
    UNKNOWN_PARTY = "unknown_party"
    UNKNOWN_PACKAGING = "unknown_packaging"
    PACKAGING_TAKEN = "packaging_taken"


WORDS = {
    Problem.REQUIRED: "{field} is missing: enter it",
    Problem.TOO_LONG: "{field} is longer than {limit} characters: shorten it",
    Problem.CONTROL: "{field} contains a line break or a control character: remove it",
    Problem.OUT_OF_RANGE: "{field} must lie between {low} and {high}",
    Problem.BAD_ADDRESS: "{field}: {value} is not an e-mail address: {reason}",
    Problem.BAD_CODE: "the code {value} is not usable: letters, digits, dot, hyphen and underscore, at most 20",
    Problem.CODE_TAKEN: "there is a company with the code {value} already: choose another code",
    Problem.BAD_COUNTRY: "the country {value} is not a code of two letters such as IT",
    Problem.BAD_LANGUAGE: "the language {value} is not known: use it, es or en",
    Problem.BAD_TIMEZONE: "the time zone {value} is not known: use a name such as Europe/Rome",
    Problem.BAD_WEBSITE: "the website {value} does not begin with https:// or http://",
    Problem.WRONG_ACCOUNT: "{field}: the account is not one of this company's, or of the other kind",
    Problem.NOT_AN_IMAGE: "the logo is not a PNG or JPEG image, or it is damaged: save it as PNG and try again",
    Problem.IMAGE_TOO_LARGE: "the logo is larger than {limit}: make it smaller and try again",
    Problem.BAD_TYPE_ID: "{field}: begin with x_, then small letters, digits and underscores; at most 32 characters",
    Problem.TYPE_TAKEN: "there is a type {value} already: choose another id",
    Problem.UNKNOWN_TYPE: "{field}: there is no document type {value}",
    Problem.UNKNOWN_VALUE: "{field}: {value} is none of {valid}",
    Problem.BAD_FIELD_NAME: "the field name {value} is not usable: small letters, digits and underscores",
    Problem.BAD_FIELD_KIND: "the field {value} is of a kind that cannot be kept: text, number, date, true or false",
    Problem.FIELD_TWICE: "the field {value} stands there twice: remove one",
    Problem.TOO_MANY: "{field}: at most {limit}",
    Problem.BAD_FOLDER: "the folder {value} is not usable: names below the folder of copies, with / between them",
    Problem.NO_FILES: "a packaging needs at least one kind of file: the PDF, the XML or the other files",
    Problem.BAD_PATTERN: "the file name cannot be used ({reason}: {value}): write tokens such as {{customer}}",
    Problem.BAD_ADDENDA: "the addenda is not well-formed XML: {reason}",
    Problem.UNKNOWN_PARTY: "{field}: there is no customer with the code {value}",
    Problem.UNKNOWN_PACKAGING: "{field}: there is no packaging {value}",
    Problem.PACKAGING_TAKEN: "there is a packaging {value} already: choose another code",
}


@dataclass(frozen=True, slots=True)
class CompanyProblem:
    """One refusal: the field, the code, and what the sentence needs."""

    field: str
    problem: Problem
    params: tuple[tuple[str, str | int], ...] = ()

    def __str__(self) -> str:
        part, _, language = self.field.partition("_")
        is_name = part in ("label", "plural") and len(language) == 2
        field = f"{part}s.{language}" if is_name else self.field  # as a file writes it: labels.it
        return WORDS[self.problem].format(field=field, **dict(self.params))


class CompanyInvalid(Refusal, ValueError):
    """The company's data cannot be kept; the message lists every reason."""

    def __init__(self, problems: list[CompanyProblem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class CompanyDetails:
    """Everything a person enters about a company; the logo comes as a file.

    ``country``: empty, it is what the VAT number tells, or Italy. ``undo_seconds``: how long a commit can be called
    back; ``max_message_mb``: documents beyond it are split.
    """

    code: str
    name: str
    vat_number: str = ""
    tax_code: str = ""
    address: str = ""
    postcode: str = ""
    city: str = ""
    province: str = ""
    country: str = ""
    email: str = ""
    phone: str = ""
    website: str = ""
    language: str = "it"
    timezone: str = "Europe/Rome"
    error_address: str = ""
    undo_seconds: int = 30
    needs_second_person: bool = False
    unknown_is_ordinary: bool = False
    soft_opt_in: bool = True
    test_address: str = ""
    max_message_mb: int = 20


def problem(field: str, code: Problem, **params: str | int) -> CompanyProblem:
    """One refusal, shortly."""
    return CompanyProblem(field, code, tuple(params.items()))


def checked_address(field: str, value: str, problems: list[CompanyProblem]) -> str:
    """The address in its kept spelling; a wrong one is added to `problems`. Empty stays empty."""
    if not value.strip():
        return ""
    try:
        return normalise_address(value)
    except AddressInvalid as refusal:
        problems.append(problem(field, Problem.BAD_ADDRESS, value=value, reason=str(refusal)))
        return value


def _text_problems(details: CompanyDetails) -> list[CompanyProblem]:
    found = [problem(f, Problem.REQUIRED) for f in ("code", "name") if not getattr(details, f)]
    for field, limit in _LENGTHS.items():
        value: str = getattr(details, field)
        if len(value) > limit:
            found.append(problem(field, Problem.TOO_LONG, limit=limit))
        elif _CONTROLS.search(value):
            found.append(problem(field, Problem.CONTROL))
    return found


def _choice_problems(details: CompanyDetails) -> list[CompanyProblem]:
    found = []
    if details.code and not _CODE.fullmatch(details.code):
        found.append(problem("code", Problem.BAD_CODE, value=details.code))
    if not re.fullmatch(r"[A-Z]{2}", details.country):
        found.append(problem("country", Problem.BAD_COUNTRY, value=details.country))
    if details.language not in LANGUAGES:
        found.append(problem("language", Problem.BAD_LANGUAGE, value=details.language))
    if details.timezone not in available_timezones():
        found.append(problem("timezone", Problem.BAD_TIMEZONE, value=details.timezone))
    if details.website and not re.match(r"https?://\S+$", details.website):
        found.append(problem("website", Problem.BAD_WEBSITE, value=details.website))
    return found


def check_details(details: CompanyDetails) -> CompanyDetails:
    """The details as they are kept: outer blanks removed, addresses in one spelling.

    Raises:
        CompanyInvalid: with every problem, not only the first.
    """
    texts: dict[str, Any] = {f: getattr(details, f).strip() for f in _LENGTHS}
    told = (texts["country"], country_of(texts["vat_number"]), country_of(texts["tax_code"]), _HOME)
    texts["country"] = next(filter(None, told)).upper()
    details = replace(details, **texts)
    problems = _text_problems(details) + _choice_problems(details)
    for field, (low, high) in RANGES.items():
        if not low <= getattr(details, field) <= high:
            problems.append(problem(field, Problem.OUT_OF_RANGE, low=low, high=high))
    addresses: dict[str, Any] = {f: checked_address(f, getattr(details, f), problems) for f in _ADDRESSES}
    if problems:
        raise CompanyInvalid(problems)
    return replace(details, **addresses)
