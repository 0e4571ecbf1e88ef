"""Storages outside the house, for tests: a real S3 server, the rules of S3's signed forms, and a fake Cloudinary."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import boto3
import httpx
from moto.server import ThreadedMotoServer

KEY, SECRET, REGION = "AKIDTEST", "a secret of tests", "us-east-1"
CLOUD, CLOUD_KEY, CLOUD_SECRET = "shop", "123456", "abcd"


class S3:
    """A real S3 server on loopback, that can go away and come back to the same port. It keeps what it had."""

    def __init__(self) -> None:
        self.port = 0
        self.start()
        for bucket in ("public", "private"):
            self.client().create_bucket(Bucket=bucket)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=self.port, verbose=False)
        self.server.start()
        self.port = self.server.get_host_and_port()[1]

    def stop(self) -> None:
        self.server.stop()

    def client(self) -> Any:
        return boto3.client(
            "s3", endpoint_url=self.url, aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name=REGION
        )

    def keys(self, bucket: str) -> set[str]:
        return {each["Key"] for each in self.client().list_objects_v2(Bucket=bucket).get("Contents", [])}

    def send_form(self, url: str, fields: dict[str, str], content: bytes) -> int:
        """Judge the form as S3 does, which this server leaves out; then send it."""
        if not is_allowed(fields, len(content), bucket=urlsplit(url).path.strip("/")):
            return 403
        return httpx.post(url, data=fields, files={"file": content}, timeout=60).status_code


def is_allowed(fields: dict[str, str], size: int, *, bucket: str) -> bool:
    """Tell whether S3 takes a form: "Browser-Based Uploads Using POST (AWS Signature Version 4)"."""
    _, date, region, service, _ = fields["x-amz-credential"].split("/")
    key = f"AWS4{SECRET}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    expected = hmac.new(key, fields["policy"].encode(), hashlib.sha256).hexdigest()
    policy = json.loads(base64.b64decode(fields["policy"]))
    is_open = datetime.now(UTC) < datetime.strptime(policy["expiration"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    given = {name.lower(): value for name, value in fields.items()} | {"bucket": bucket}
    named = {"policy", "x-amz-signature"}
    for condition in policy["conditions"]:
        if isinstance(condition, dict):
            ((name, value),) = condition.items()
            is_open = is_open and given.get(name.lower()) == value
            named.add(name.lower())
        elif condition[0] == "content-length-range":
            is_open = is_open and condition[1] <= size <= condition[2]
        else:
            is_open = False
    return is_open and hmac.compare_digest(expected, fields["x-amz-signature"]) and given.keys() <= named


class Cloudinary(ThreadingHTTPServer):
    """Cloudinary's upload API as it is documented: signatures are checked, and books are kept."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        # (type, public id) -> format, content
        self.kept: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.is_away = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Asked(BaseHTTPRequestHandler):
    server: Cloudinary

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fields, file = _form(self.headers["Content-Type"], body)
        act = self.path.removeprefix(f"/v1_1/{CLOUD}/image/")
        if self._refuses(fields):
            return
        place = fields["type"], fields["public_id"]
        if act == "upload" and file is not None:
            # An existing one stays, without overwrite.
            self.server.kept.setdefault(place, (fields["allowed_formats"], file))
            self._answer(200, json.dumps({"public_id": place[1], "type": place[0], "bytes": len(file)}).encode())
        elif act == "destroy":
            found = self.server.kept.pop(place, None)
            self._answer(200, json.dumps({"result": "ok" if found else "not found"}).encode())
        else:
            self._answer(400, b"{}")

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path == f"/v1_1/{CLOUD}/image/download":
            fields = dict(parse_qsl(address.query))
            if self._refuses(fields):
                return
            found = self.server.kept.get((fields["type"], fields["public_id"]))
        else:
            public_id = address.path.removeprefix(f"/{CLOUD}/image/upload/").rpartition(".")[0]
            found = self.server.kept.get(("upload", public_id))
        self._answer(200, found[1]) if found else self._answer(404, b"")

    def _refuses(self, fields: dict[str, str]) -> bool:
        signed = "&".join(f"{k}={v}" for k, v in sorted(fields.items()) if k not in ("api_key", "signature", "file"))
        expected = hashlib.sha1(f"{signed}{CLOUD_SECRET}".encode()).hexdigest()
        is_fresh = abs(datetime.now(UTC).timestamp() - int(fields.get("timestamp", 0))) < 3600
        if self.server.is_away:
            self._answer(503, b"")
        elif (fields.get("api_key"), fields.get("signature")) != (CLOUD_KEY, expected) or not is_fresh:
            self._answer(401, b'{"error": {"message": "Invalid Signature"}}')
        else:
            return False
        return True

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return


@contextmanager
def cloudinary() -> Iterator[Cloudinary]:
    """A running one."""
    server = Cloudinary()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _form(kind: str, body: bytes) -> tuple[dict[str, str], bytes | None]:
    if kind.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode())), None
    parsed: Any = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    parts = {part.get_param("name", header="content-disposition"): part for part in parsed.get_payload()}
    file = parts.pop("file").get_payload(decode=True)
    return {name: part.get_payload(decode=True).decode() for name, part in parts.items()}, file
