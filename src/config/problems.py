"""The catalogue of refusals: what each ``type`` of a problem document leads to (RFC 9457, section 3.1.1)."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import get_resolver
from django.views.decorators.http import require_safe

from core.errors import DomainError

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One refusal, as clients meet it."""

    code: str
    status: int
    title: str
    description: str
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def shown_facts(self) -> str:
        """The facts as Markdown."""
        return f"`{json.dumps(self.facts)}`" if self.facts else ""


def catalogue() -> list[Problem]:
    """Return every refusal that an answer may carry, by code."""
    get_resolver().url_patterns  # noqa: B018 - loads all edges, and with them every app's errors
    return sorted(_described(error) for error in _kinds(DomainError) if not _is_of_tests(error))


def as_markdown(problems: list[Problem]) -> str:
    """Return the page ``docs/problems.md``."""
    rows = [
        f"| `{known.code}` | {known.status} | {known.title} | {known.description} | {known.shown_facts} |"
        for known in problems
    ]
    return "\n".join([_HEAD, *rows, ""])


_HEAD = """\
# Problems

Every refusal is a problem document (RFC 9457). Its `code` is stable: a program goes by it, people read `title`. A
running shop shows the same list at `/docs/problems`, and each `type` leads to its entry. The facts of the case stand
in the document beside these members.

Made by `manage.py list_problems` from the errors in the code.

| code | status | title | when | facts, as an example |
| --- | --- | --- | --- | --- |"""


@require_safe
def problem_list(request: HttpRequest) -> HttpResponse:
    """List all refusals."""
    return _page(request, catalogue())


@require_safe
def problem_detail(request: HttpRequest, code: str) -> HttpResponse:
    """Tell what one refusal means.

    :raises Http404: there is none of that code
    """
    found = [known for known in catalogue() if known.code == code]
    if not found:
        raise Http404(code)
    return _page(request, found)


def _page(request: HttpRequest, problems: list[Problem]) -> HttpResponse:
    page = render(request, "config/problems.html", {"problems": problems})
    page.headers["Content-Security-Policy"] = _POLICY
    return page


def _kinds(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


def _is_of_tests(error: type[DomainError]) -> bool:
    return "tests" in error.__module__.split(".")


def _described(error: type[DomainError]) -> Problem:
    if error is DomainError:
        return Problem(error.code, error.status, error.title, "A defect of ours, logged under the request's id.")
    first = (inspect.getdoc(error) or error.title).split("\n\n")[0]
    return Problem(error.code, error.status, error.title, " ".join(first.split()).replace("``", "`"), error.example)
