"""What the addresses share: the interface itself, the company of a request, pages and times."""

from typing import Annotated, Generic, TypeVar

from flask import Blueprint
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import select

from crm_mail.api import door, problems
from crm_mail.api.operations import Given, Interface, Taken
from crm_mail.api.problems import wrong
from crm_mail.companies.models import Company
from crm_mail.permissions import Actor, Permission, signed_in_actor
from crm_mail.web.door import db, installation

VERSION = "v1"
USUAL_LIMIT = 50
HIGHEST_LIMIT = 200

blueprint = Blueprint("api", __name__, url_prefix=f"/api/{VERSION}")
problems.register(blueprint)
door.guard(blueprint)
interface = Interface(blueprint)

CompanyCode = Annotated[
    str, Field(min_length=1, max_length=20, description="Code of the company, such as SM02.")
]
Limit = Annotated[int, Field(ge=1, le=HIGHEST_LIMIT, description="Rows of a page.")]
Cursor = Annotated[
    str, Field(max_length=2000, description="`next` of the page before; empty for the first page.")
]
RowId = Annotated[int, Field(ge=1, le=2**63 - 1)]
Moment = Annotated[
    AwareDatetime, Field(description="Time with its zone (RFC 3339), such as 2026-11-30T08:30:00+01:00.")
]

Row = TypeVar("Row")


class Page(Given, Generic[Row]):
    """A page of a list."""

    data: list[Row]
    next: str | None = Field(None, description="Give it as `after` to read on; null at the end.")


class PageQuery(Taken):
    """Which page."""

    after: Cursor = ""
    limit: Limit = USUAL_LIMIT


class CompanyPageQuery(PageQuery):
    """Which page of a company's list."""

    company: CompanyCode


def actor() -> Actor:
    """Whoever this request's key stands for."""
    return signed_in_actor()


def company_by_code(code: str, *permissions: Permission, where: str = "?company") -> Company:
    """The company of a request.

    Args:
        permissions: one of them must be held there.

    Raises:
        ApiProblem: the key has nothing to do with it, or it does not exist; both sound alike.
    """
    return db().get_one(Company, company_id_by_code(code, *permissions, where=where))


def company_id_by_code(code: str, *permissions: Permission, where: str = "?company") -> int:
    """As `company_by_code`; a key that is remembered remembers its companies too."""
    known = door.known_key().companies
    if code not in known:
        with installation().database.read() as session:
            known[code] = session.scalar(select(Company.id).where(Company.code == code))
    found = known[code]
    if found is None or not any(actor().can(one, found) for one in permissions):
        raise wrong(
            where,
            f"there is no company {code} for this key",
            "GET /api/v1/companies lists those that it may use",
        )
    return found


def company_codes() -> dict[int, str]:
    """The codes of all companies, by id."""
    return {id_: code for id_, code in db().execute(select(Company.id, Company.code))}


def dump(model: BaseModel) -> dict[str, object]:
    """The fields that a request named."""
    values = model.model_dump()
    return {name: values[name] for name in model.model_fields_set}
