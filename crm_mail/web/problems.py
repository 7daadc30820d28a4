"""Refusals on forms: each stands beside its field, one without a field above the form."""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from wtforms import Form


class FieldProblem(Protocol):
    """A refusal that names the input it is about."""

    @property
    def field(self) -> str: ...


Problem = TypeVar("Problem", bound=FieldProblem)


def show_problems(form: Form, problems: Iterable[Problem], explain: Callable[[Problem], str]) -> None:
    """Put each refusal where it belongs.

    Args:
        explain: the sentence for a refusal, in the language of the page.
    """
    for problem in problems:
        if problem.field in form:
            field = form[problem.field]
            field.errors = [*field.errors, explain(problem)]
        else:
            form.form_errors.append(explain(problem))
