"""Why an account cannot be kept: a closed set of refusals, each with its field and its remedy. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from crm_mail.refusals import Refusal


class Problem(StrEnum):
    """Closed set of refusals; the value is the stable code."""

    REQUIRED = "required"
    TOO_LONG = "too_long"
    CONTROL = "control"
    OUT_OF_RANGE = "out_of_range"
    BAD_HOST = "bad_host"
    BAD_ADDRESS = "bad_address"
    NAME_TAKEN = "name_taken"
    NOT_ENCRYPTED = "not_encrypted"
    PEC_NOT_ENCRYPTED = "pec_not_encrypted"
    NO_CA_FILE = "no_ca_file"
    NO_CERTIFICATE = "no_certificate"
    CERTIFICATE_EXPIRED = "certificate_expired"
    NOT_AN_AUTHORITY = "not_an_authority"
    FILE_TOO_LARGE = "file_too_large"
    NO_TOKEN = "no_token"  # noqa: S105 - a code, not a secret
    BOUNCE_ON_PEC = "bounce_on_pec"
    SECRET_WITHOUT_USER = "secret_without_user"  # noqa: S105 - a code, not a secret
    BAD_SENDER = "bad_sender"
    BAD_URL = "bad_url"
    BAD_LINE = "bad_line"
    NO_PLACEHOLDER = "no_placeholder"
    CAP_TOO_LOW = "cap_too_low"
    CAP_WITHOUT_COST = "cap_without_cost"


WORDS = {
    Problem.REQUIRED: "{field} is missing: enter it",
    Problem.TOO_LONG: "{field} is longer than {limit} characters: shorten it",
    Problem.CONTROL: "{field} contains a line break or a control character: remove it",
    Problem.OUT_OF_RANGE: "{field} must lie between {low} and {high}",
    Problem.BAD_HOST: "the host {value} is neither a server name nor an IP address: enter it as mail.example.com",
    Problem.BAD_ADDRESS: "{field}: {value} is not an e-mail address: {reason}",
    Problem.NAME_TAKEN: "the company has an account named {value} already: choose another name",
    Problem.NOT_ENCRYPTED: "mail would travel unencrypted: choose TLS or STARTTLS, or allow it explicitly",
    Problem.PEC_NOT_ENCRYPTED: "a PEC account needs TLS or STARTTLS (unencrypted only on this machine)",
    Problem.NO_CA_FILE: "the certificate file {value} is not there: correct its path, or leave it empty",
    Problem.NO_CERTIFICATE: "there is no certificate in the file: give the authority's certificate as PEM or DER",
    Problem.CERTIFICATE_EXPIRED: "the certificate of {value} expired on {day}: give the present one",
    Problem.NOT_AN_AUTHORITY: "{value} is a server's certificate: give that of the authority which signed it",
    Problem.FILE_TOO_LARGE: "the file is larger than {limit}: give the authority's certificate only",
    Problem.NO_TOKEN: "{field}: put {{token}} into the address, such as bounces+{{token}}@example.com",
    Problem.BOUNCE_ON_PEC: "a PEC message must come back to its sender (RFC 6109): leave the return path empty",
    Problem.BAD_SENDER: "the sender is a number as +39 333 1234567 without blanks, or a name of {limit} signs at most",
    Problem.BAD_URL: "the gateway's address cannot be used ({reason}): it begins with https:// and leads outside",
    Problem.BAD_LINE: "{field}: write each line as name: value; this one is not: {value}",
    Problem.NO_PLACEHOLDER: "the fields name nowhere {value}: without it nobody receives a text",
    Problem.CAP_TOO_LOW: "the daily cap does not pay for one segment: raise it, or leave it empty",
    Problem.CAP_WITHOUT_COST: "a cap needs the cost of a segment: enter it, or leave the cap empty",
    Problem.SECRET_WITHOUT_USER: "there is a password without a user name: enter the name, or no password",
}


@dataclass(frozen=True, slots=True)
class AccountProblem:
    """One refusal: the field of `AccountDetails`, the code, and what the sentence needs."""

    field: str
    problem: Problem
    params: tuple[tuple[str, str | int], ...] = ()

    def __str__(self) -> str:
        return WORDS[self.problem].format(field=self.field, **dict(self.params))


class AccountInvalid(Refusal, ValueError):
    """The account cannot be kept; the message lists every reason."""

    def __init__(self, problems: list[AccountProblem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems
