"""The Postman collection (format 2.1.0): every operation of the OpenAPI document, and two journeys through them."""

from __future__ import annotations

import json
import re
from typing import Any

from config.postman_after import AFTER
from config.postman_journey import JOURNEY
from config.postman_steps import Step

FORMAT = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
# What the journeys fill in, where the shop stands, and who signs in for staff.
VARIABLES = {
    "base_url": "http://127.0.0.1:8000",
    "email": "",
    "password": "tall-ships-sail-slowly",
    "access": "",
    "refresh": "",
    "cart_token": "",
    "admin_email": "admin@example.com",
    "admin_password": "",
}
_METHODS = ("get", "post", "put", "patch", "delete")
_NOBODY = {"type": "noauth"}
_BEARER = {"type": "bearer", "bearer": [{"key": "token", "value": "{{access}}", "type": "string"}]}
Document = dict[str, Any]


def collection(document: Document) -> Document:
    """Return the collection for an OpenAPI document."""
    return {
        "info": {
            "name": document["info"]["title"],
            "description": "Made from docs/api/openapi.yaml by `manage.py make_postman`.",
            "schema": FORMAT,
        },
        "auth": _BEARER,
        "variable": [{"key": key, "value": value} for key, value in VARIABLES.items()],
        "item": [
            {"name": "Register to order", "item": [_step(step) for step in JOURNEY]},
            {"name": "Pay to return", "item": [_step(step) for step in AFTER]},
            *({"name": tag, "item": items} for tag, items in sorted(_by_tag(document).items())),
        ],
    }


def as_json(made: Document) -> str:
    """Return the collection as it is committed."""
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def _by_tag(document: Document) -> dict[str, list[Document]]:
    found: dict[str, list[Document]] = {}
    for path, operations in document["paths"].items():
        for method in _METHODS:
            if operation := operations.get(method):
                item = _item(document, path, method, operation)
                found.setdefault(operation["tags"][0], []).append(item)
    return found


def _item(document: Document, path: str, method: str, operation: Document) -> Document:
    parameters = operation.get("parameters", [])
    request: Document = {
        "method": method.upper(),
        "header": [_optional(parameter) for parameter in parameters if parameter["in"] == "header"],
        "url": _url(path, parameters),
        "description": operation.get("description", ""),
    }
    if not operation.get("security"):
        request["auth"] = _NOBODY
    if body := operation.get("requestBody", {}).get("content"):
        request["body"] = _body(document, body)
        if request["body"]["mode"] == "raw":
            request["header"].insert(0, {"key": "Content-Type", "value": "application/json"})
    return {"name": operation.get("summary") or operation["operationId"], "request": request, "response": []}


def _optional(parameter: Document) -> Document:
    return {
        "key": parameter["name"],
        "value": "",
        "description": parameter.get("description", ""),
        "disabled": not parameter.get("required", False),
    }


def _url(path: str, parameters: list[Document]) -> Document:
    named = re.sub(r"{(\w+)}", r":\1", path)
    return {
        "raw": f"{{{{base_url}}}}{named}",
        "host": ["{{base_url}}"],
        "path": named.strip("/").split("/"),
        "query": [_optional(parameter) for parameter in parameters if parameter["in"] == "query"],
        "variable": [{"key": known["name"], "value": ""} for known in parameters if known["in"] == "path"],
    }


def _body(document: Document, content: Document) -> Document:
    if form := content.get("multipart/form-data"):
        return {"mode": "formdata", "formdata": [_part(*entry) for entry in _properties(document, form).items()]}
    if "application/json" not in content:
        return {"mode": "file", "file": {}}
    described = content["application/json"]
    (example, *_) = described["examples"].values()
    text = json.dumps(example["value"], indent=2, ensure_ascii=False)
    return {"mode": "raw", "raw": text, "options": {"raw": {"language": "json"}}}


def _properties(document: Document, described: Document) -> Document:
    name = described["schema"]["$ref"].rpartition("/")[2]
    properties: Document = document["components"]["schemas"][name]["properties"]
    return properties


def _part(name: str, schema: Document) -> Document:
    inner = schema.get("items", schema)
    is_file = inner.get("format") == "binary" or inner.get("contentMediaType") == "application/octet-stream"
    return {"key": name, "type": "file", "src": []} if is_file else {"key": name, "type": "text", "value": ""}


def _step(step: Step) -> Document:
    request: Document = {
        "method": step.method,
        "header": [{"key": key, "value": value} for key, value in step.headers.items()],
        "url": f"{{{{base_url}}}}{step.path}",
        "auth": _BEARER if step.signed_in else _NOBODY,
    }
    if step.body:
        request["header"].insert(0, {"key": "Content-Type", "value": "application/json"})
        request["body"] = {"mode": "raw", "raw": step.body, "options": {"raw": {"language": "json"}}}
    scripts = {"prerequest": step.before, "test": step.after}
    events = [
        {"listen": when, "script": {"type": "text/javascript", "exec": script.strip().split("\n")}}
        for when, script in scripts.items()
        if script
    ]
    return {"name": step.name, "event": events, "request": request, "response": []}
