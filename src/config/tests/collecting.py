"""A collector of the log, which takes it in by OTLP over HTTP."""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest


@dataclass
class Line:
    """What a collector is told."""

    body: str
    severity: str
    logger: str
    trace: str
    span: str
    facts: dict[str, Any]
    resource: dict[str, Any]


class Receiver:
    """Takes what is posted, on a free port of loopback."""

    server: ThreadingHTTPServer

    def take(self, path: str, body: bytes) -> int:
        """Take a request in, and return the status of the answer."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                self.send_response(receiver.take(self.path, body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


@dataclass
class Collector(Receiver):
    """Takes lines in while ``opened``; the first are answered by ``statuses``."""

    lines: list[Line] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    opened: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self.opened.set()
        return super().__enter__()

    def __exit__(self, *_: object) -> None:
        self.opened.set()
        super().__exit__()

    def take(self, path: str, body: bytes) -> int:
        """Take lines in, unless a status says that they are not taken."""
        self.opened.wait()
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 200:
            self.lines += lines_of(body)
        return status

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/v1/logs"

    @property
    def bodies(self) -> list[str]:
        return [line.body for line in self.lines]


def lines_of(body: bytes) -> list[Line]:
    """Return what a request tells."""
    return [
        Line(
            body=record.body.string_value,
            severity=record.severity_text,
            logger=of_scope.scope.name,
            trace=record.trace_id.hex(),
            span=record.span_id.hex(),
            facts=facts_of(record.attributes),
            resource=facts_of(of_resource.resource.attributes),
        )
        for of_resource in ExportLogsServiceRequest.FromString(body).resource_logs
        for of_scope in of_resource.scope_logs
        for record in of_scope.log_records
    ]


def facts_of(attributes: Any) -> dict[str, Any]:
    """Return attributes by their names."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value") or "", None) for each in attributes}
