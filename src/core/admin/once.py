"""What staff confirm is done once, however often the page is sent: a double click, a browser that tries again.

The page carries a key of its own. With what was typed it names the request; the first answer is kept as that of an
``Idempotency-Key`` is, and told again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from http import HTTPStatus

from django.http import HttpRequest

from core.idempotency import Answer, Asked, answer_in_beats
from core.ids import new_id

PAGE_KEY = "_page_key"
# Another one of each time that a page is shown, or none of what is asked.
_LEFT_OUT = ("csrfmiddlewaretoken",)


def page_key_of(request: HttpRequest) -> str:
    """Return the key of the page that was sent, or a new one for a page that is about to be shown."""
    return request.POST.get(PAGE_KEY) or new_id().hex


def act_once(request: HttpRequest, act: Callable[[], str]) -> tuple[str, bool]:
    """Act, unless the same page was sent before with the same words; return what to tell, and whether it was.

    What is refused, by an exception, may be sent again. A page without a key acts each time.

    :raises StillRunning: the first one has not ended
    """
    if PAGE_KEY not in request.POST:
        return act(), False
    asked = Asked(scope=f"admin {request.user.pk}", key=_name_of(request), fingerprint="")
    answer = answer_in_beats(asked=asked, run=lambda: Answer(HTTPStatus.OK, {}, act().encode()))
    return answer.body.decode(), answer.replayed


def _name_of(request: HttpRequest) -> str:
    digest = hashlib.sha256(request.path.encode())
    for part in _parts(request):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _parts(request: HttpRequest) -> Iterator[bytes]:
    for name in sorted(request.POST.keys() - set(_LEFT_OUT)):
        for value in (name, *request.POST.getlist(name)):
            yield value.encode("utf-8", "surrogatepass")
    for name in sorted(request.FILES):
        for file in request.FILES.getlist(name):
            yield name.encode()
            file.seek(0)
            yield hashlib.file_digest(file, "sha256").digest()
            file.seek(0)
