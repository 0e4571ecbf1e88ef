"""What the journeys of the Postman collection are made of: a request, and scripts around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request, with the script that runs before it and the one that looks at the answer."""

    name: str
    path: str
    after: str
    method: str = "GET"
    body: str = ""
    before: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    signed_in: bool = False


def expect(status: int, *lines: str) -> str:
    """Check the status; the lines see the answer as ``body``."""
    first = f'pm.test("answers {status}", () => pm.response.to.have.status({status}));'
    return "\n".join([first, *(["const body = pm.response.json();", *lines] if lines else [])])


def keep(values: Mapping[str, str]) -> list[str]:
    """Keep values (variable -> script that finds it) for later steps."""
    return [f'pm.collectionVariables.set("{name}", {value});' for name, value in values.items()]


def until(found: str, what: str, *then: str) -> str:
    """Ask again every 300 ms, 100 times at most: workers send mail and notifications."""
    lines = "\n".join(f"  {line}" for line in then)
    return f"""\
const body = pm.response.json();
const found = {found};
const tries = Number(pm.collectionVariables.get("tries") || 0);
if (!found && tries < 100) {{
  pm.collectionVariables.set("tries", tries + 1);
  setTimeout(() => {{}}, 300);
  pm.execution.setNextRequest(pm.info.requestName);
}} else {{
  pm.collectionVariables.set("tries", 0);
  pm.test("{what}", () => pm.expect(found).to.be.ok);
{lines}
}}"""
