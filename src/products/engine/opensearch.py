"""The client of OpenSearch: never inside a transaction, and not while it is known to be down."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import orjson
import structlog
from opensearchpy import OpenSearch as Client
from opensearchpy.exceptions import ConnectionError as NotReached
from opensearchpy.exceptions import NotFoundError, OpenSearchException, TransportError
from opensearchpy.serializer import JSONSerializer

from core import tally
from core.circuits import Circuit
from core.transactions import in_transaction
from products.engine.base import EngineAway, InTransaction, NoIndex, Refused, Taken

R = TypeVar("R")
log = structlog.get_logger(__name__)
# They tell of each failure by themselves, and of all that is asked: what people search is nobody's business.
for _name in ("opensearch", "opensearchpy.trace"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

_SECONDS_TO_WRITE = 30.0
_CONNECTIONS = 16
_BUSY = 429
# A request to write is sent when it has grown to this.
_ENOUGH_BYTES = 4 * 2**20
_OF_QUESTIONS = {
    "filter_path": "timed_out,hits.total.value,hits.hits._id,hits.hits._score",
    "allow_partial_search_results": "false",
    "request_cache": "false",
}
# What a document that is removed already, or written newer, answers: nothing is left to do.
_DONE = frozenset({200, 201, 404, 409})
_GONE = "index_not_found_exception"


class _Json(JSONSerializer):
    def loads(self, s: str) -> Any:
        return orjson.loads(s)

    def dumps(self, data: Any) -> Any:
        return data if isinstance(data, str) else orjson.dumps(data).decode()


class _Way:
    """One kind of call, with what is known of how it goes: it is told once that it fails, and once that it is over."""

    def __init__(self, name: str) -> None:
        self.name, self.circuit, self.is_well = name, Circuit(), True

    def note(self, error: str = "") -> None:
        """Note how a call ended."""
        self.circuit.leave(is_well=not error)
        if error:
            tally.count("search_failures", self.name)
        if error and self.is_well:
            log.warning("search engine does not answer", asked=self.name, error=error)
        elif not error and not self.is_well:
            log.info("search engine answers again", asked=self.name)
        self.is_well = not error


class OpenSearch:
    """A server, or several behind one address."""

    def __init__(self, url: str, *, ca_file: str = "") -> None:
        parts = urlsplit(url)
        is_encrypted = parts.scheme == "https"
        place: dict[str, Any] = {"host": parts.hostname, "port": parts.port or (443 if is_encrypted else 9200)}
        account = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        tls: dict[str, Any] = {"verify_certs": True, "ca_certs": ca_file or None} if is_encrypted else {}
        self._client = Client(
            hosts=[place | {"url_prefix": parts.path.strip("/")}],
            http_auth=account,
            use_ssl=is_encrypted,
            serializer=_Json(),
            max_retries=0,
            retry_on_timeout=False,
            pool_maxsize=_CONNECTIONS,
            timeout=_SECONDS_TO_WRITE,
            **tls,
        )
        self._questions, self._writes = _Way("question"), _Way("write")

    def find(self, *, index: str, query: Mapping[str, Any], most: int, seconds: float) -> Taken:
        """Return the best of an index by a query; of the same score, the one with the higher id is better.

        :raises EngineAway, NoIndex, Refused: see there
        """
        body = {"query": query, "size": most, "track_total_hits": most + 1, "timeout": f"{int(seconds * 1000)}ms"}
        params: dict[str, Any] = _OF_QUESTIONS | {"request_timeout": seconds}

        def ask() -> Taken:
            told = self._client.search(index=index, body=body, params=params)
            if told["timed_out"]:
                raise NotReached("N/A", "too slow", TimeoutError())
            found = told["hits"].get("hits", ())
            total: int = told["hits"]["total"]["value"]
            return Taken([hit["_id"] for hit in found], [hit["_score"] for hit in found], total)

        return self._call(self._questions, ask)

    def list_indexes(self, *, beginning: str) -> dict[str, list[str]]:
        """Return index -> its other names, of those whose names begin so.

        :raises EngineAway, Refused: see there
        """
        told = self._call(self._writes, lambda: self._client.indices.get_alias(index=f"{beginning}*"))
        return {name: list(known["aliases"]) for name, known in told.items()}

    def create(self, *, index: str, made: Mapping[str, Any], also: str) -> None:
        """Make an index, with another name beside its own.

        :raises EngineAway, Refused: see there
        """
        body = {**made, "aliases": {also: {}}}
        self._call(self._writes, lambda: self._client.indices.create(index=index, body=body))

    def write(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Carry out the lines of a bulk request, pairs of them. What is older than what is there is left out.

        Searches find it within the index's ``refresh_interval``.

        :raises EngineAway, NoIndex, Refused: see there; some of it may have been done
        """
        for body in _bodies(lines):
            self._write(body)

    def _write(self, body: str) -> None:
        params = {"require_alias": "true", "filter_path": "errors,items.*.status,items.*.error.type"}
        told = self._call(self._writes, lambda: self._client.bulk(body=body, params=params))
        if told["errors"]:
            for item in told["items"]:
                _judge(next(iter(item.values())))

    def refresh(self, *, index: str) -> None:
        """Have searches find what was written.

        :raises EngineAway, NoIndex, Refused: see there
        """
        self._call(self._writes, lambda: self._client.indices.refresh(index=index))

    def switch(self, *, name: str, to: str, instead_of: Sequence[str]) -> None:
        """Have a name mean another index, and remove those that are not needed any more. At once, or not at all.

        :raises EngineAway, NoIndex, Refused: see there
        """
        self.refresh(index=to)
        actions: list[dict[str, Any]] = [{"remove_index": {"index": each}} for each in instead_of]
        body = {"actions": [*actions, {"add": {"index": to, "alias": name}}]}
        self._call(self._writes, lambda: self._client.indices.update_aliases(body=body))

    def remove(self, indexes: Sequence[str]) -> None:
        """Remove indexes, as far as they are there.

        :raises EngineAway, Refused: see there
        """
        if indexes:
            names, params = ",".join(indexes), {"ignore_unavailable": "true"}
            self._call(self._writes, lambda: self._client.indices.delete(index=names, params=params))

    def is_there(self, *, seconds: float) -> bool:
        """Tell whether it answers now, whatever was known of it."""
        try:
            self._client.cluster.health(params={"request_timeout": seconds})
        except OpenSearchException:
            return False
        return True

    def _call(self, way: _Way, ask: Callable[[], R]) -> R:
        if in_transaction():
            raise InTransaction(way.name)
        if not way.circuit.enter():
            raise EngineAway("not asked for a moment")
        try:
            answer = ask()
        except NotFoundError as error:
            way.note()
            raise NoIndex from error
        except TransportError as error:
            if not _is_away(error):
                way.note()
                raise Refused(f"{error.status_code} {error.error}"[:300]) from None
            told = f"{type(error).__name__} {error.status_code}"
            way.note(told)
            raise EngineAway(told) from None
        except (OpenSearchException, ValueError, LookupError, TypeError, AttributeError) as error:
            # An answer that is none of this server.
            way.note(type(error).__name__)
            raise EngineAway(type(error).__name__) from None
        way.note()
        return answer


def _bodies(lines: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Join pairs of lines into requests that a server takes (``http.max_content_length``)."""
    body, size = [], 0
    for number, line in enumerate(lines, start=1):
        text = orjson.dumps(line) + b"\n"
        body.append(text)
        size += len(text)
        if number % 2 == 0 and size >= _ENOUGH_BYTES:
            yield b"".join(body).decode()
            body, size = [], 0
    if body:
        yield b"".join(body).decode()


def _is_away(error: TransportError) -> bool:
    """Tell whether another question would fare no better: no answer, another's, a fault, too busy, a wrong password."""
    status = error.status_code
    return not isinstance(status, int) or not 400 <= status < 500 or status in {401, 403, _BUSY}


def _judge(item: Mapping[str, Any]) -> None:
    """Return where a line of a bulk request is done with.

    :raises EngineAway: it may be taken later
    :raises NoIndex: the index is gone
    :raises Refused: it is not taken
    """
    status, error = item["status"], item.get("error") or {}
    if error.get("type") == _GONE:
        raise NoIndex
    if status in _DONE:
        return
    if status == _BUSY or status >= 500:
        raise EngineAway(str(status))
    raise Refused(f"{status} {error.get('type')}")
