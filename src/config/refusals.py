"""The refusals of the OpenAPI document: for every operation, an example of each that its app may answer with."""

from __future__ import annotations

from typing import Any

from config.problems import Problem, catalogue

_REFERENCE = "#/components/responses/"
# The gateway for development is no part of the shop's API.
_NOT_OURS = "sandbox."
# app -> what else its operations are refused with; everything is refused with what stands under "".
_ALSO = {
    "": ("core.", "accounts.token_refused", "markets.unknown_market"),
    "carts": ("inventory.out_of_stock",),
    "orders": (
        "carts.cart_empty",
        "inventory.out_of_stock",
        "accounts.address_not_found",
        "payments.",
        "promotions.used_up",
        "promotions.first_order_only",
    ),
    "products": ("inventory.stock_promised",),
}


def add_examples(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Give every refusal in the document its examples. Comes after ``core.api.schema.add_problems``."""
    known = [problem for problem in catalogue() if not problem.code.startswith(_NOT_OURS)]
    components = result["components"]
    components["examples"] = {problem.code: {"value": _example(problem)} for problem in known}
    general = components["responses"]
    for path in result["paths"].values():
        for operation in path.values():
            app = operation["tags"][0]
            for status, answer in operation["responses"].items():
                if answer.get("$ref", "").startswith(_REFERENCE):
                    operation["responses"][status] = _of_app(general, app, status, known)
                elif "application/problem+json" in answer.get("content", {}):
                    answer["content"]["application/problem+json"]["examples"] = _examples(app, status, known)
    for name in list(general):
        if "examples" not in general[name]["content"]["application/problem+json"]:
            del general[name]
    components["responses"] = dict(sorted(general.items()))
    return result


def _of_app(general: dict[str, Any], app: str, status: str, known: list[Problem]) -> dict[str, str]:
    """Return a reference to the refusal of that app and status; it is made where there is none yet."""
    examples = _examples(app, status, known)
    is_general = examples == _examples("", status, known)
    name = f"Problem{status}" if is_general else f"Problem{status}{app.capitalize()}"
    plain = general[f"Problem{status}"]
    described = plain["content"]["application/problem+json"]
    content = {"application/problem+json": {"schema": described["schema"], "examples": examples}}
    general[name] = {**plain, "content": content}
    return {"$ref": f"{_REFERENCE}{name}"}


def _examples(app: str, status: str, known: list[Problem]) -> dict[str, Any]:
    mine = (*_ALSO[""], *_ALSO.get(app, ()), *((f"{app}.",) if app else ()))
    found = [problem.code for problem in known if str(problem.status) == status and problem.code.startswith(mine)]
    return {code: {"$ref": f"#/components/examples/{code}"} for code in found}


def _example(problem: Problem) -> dict[str, Any]:
    return {
        "type": f"/docs/problems/{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.title,
        "code": problem.code,
        "request_id": "0192f3c47bd97cc28b5de0a6f0a3b1f4",
        **problem.facts,
    }
