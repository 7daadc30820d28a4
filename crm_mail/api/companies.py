"""Companies that a key may work for."""

from pydantic import Field
from sqlalchemy import select

from crm_mail.api.operations import Answer, Given
from crm_mail.api.resources import Page, actor, interface
from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.permissions import Permission
from crm_mail.web.door import db


class CompanyOut(Given):
    """A company that sends."""

    code: str = Field(examples=["SM02"])
    name: str
    document_types: list[str] = Field(
        description="The types in use there, for documents, runs and subscriptions."
    )


@interface.operation(
    "GET",
    "/companies",
    tag="Companies",
    scope=Permission.SIGNED_IN,
    answers=[Answer(200, "The companies, by code.", Page[CompanyOut])],
)
def list_companies() -> Page[CompanyOut]:
    """The companies that the key may work for."""
    query = select(Company).order_by(Company.code)
    ids = actor().company_ids()
    if ids is not None:
        query = query.where(Company.id.in_(ids))
    return Page[CompanyOut](
        data=[
            CompanyOut(code=one.code, name=one.name, document_types=list(company_types(db(), one.id).used))
            for one in db().scalars(query)
        ]
    )
