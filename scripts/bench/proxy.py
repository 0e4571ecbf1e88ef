"""The list through Nginx, whose cache asks the shop again by ``ETag``, beside bytes that Nginx holds by itself."""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import subprocess  # nosec B404: nginx, with a configuration of ours
from collections.abc import Iterator
from pathlib import Path

from bench.http import Asked, ask
from bench.reading import press
from bench.reads import API
from bench.shop import Shop, ShopFailed, free_port, wait_for

_LIST, _OWN = f"{API}/products", "/own"
# A second of age, and then one request that says which version is held: what costs a shop nothing and its shoppers a
# second. The shop's own ``max-age=0`` is for browsers.
_CONFIGURATION = """
daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1; {user}
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  proxy_cache_path {folder}/cache keys_zone=shop:1m use_temp_path=off;
  upstream shop {{ server 127.0.0.1:{shop}; keepalive 8; }}
  server {{
    listen 127.0.0.1:{port};
    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_cache shop; proxy_pass_header Date;
    location /api/ {{
      proxy_pass http://shop; proxy_ignore_headers Cache-Control; proxy_cache_valid 200 1s; proxy_cache_revalidate on;
      proxy_cache_lock on; proxy_cache_use_stale updating; proxy_cache_background_update on;
      proxy_cache_bypass $http_authorization; proxy_no_cache $http_authorization;
    }}
    location {own} {{ proxy_pass http://shop/bench/bare/list; proxy_cache_valid 200 1h; }}
  }}
}}
"""


def through_nginx(shop: Shop, *, times: int, seconds: float) -> dict[str, float] | None:
    """Return the medians of requests a second of both, and of the ratio; ``None`` where there is no Nginx."""
    if not (program := shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")):
        return None
    rates: dict[str, list[float]] = {_LIST: [], _OWN: []}
    with _running(shop, program) as port:
        for path in (*rates, *list(rates) * times):
            pressure = press(port=port, clients=8, seconds=seconds, paths=[path])
            if pressure.errors:
                raise ShopFailed(f"Nginx refuses {path}")
            rates[path].append(pressure.requests / pressure.seconds)
    ratios = [one / other for one, other in zip(rates[_LIST][1:], rates[_OWN][1:], strict=True)]
    return {
        "per_second": statistics.median(rates[_LIST][1:]),
        "own_per_second": statistics.median(rates[_OWN][1:]),
        "ratio": statistics.median(ratios),
    }


@contextlib.contextmanager
def _running(shop: Shop, program: str) -> Iterator[int]:
    folder, port = shop.folder / "nginx", free_port()
    folder.mkdir(exist_ok=True)
    file = folder / "nginx.conf"
    file.write_text(_configuration(folder, port=port, shop=shop.port))
    process = subprocess.Popen([program, "-e", str(folder / "error.log"), "-c", str(file)])  # nosec B603
    try:
        wait_for(lambda: _answers(port), 10, "Nginx to answer")
        yield port
    finally:
        process.terminate()
        process.wait(20)


def _configuration(folder: Path, *, port: int, shop: int) -> str:
    user = "user root;" if os.geteuid() == 0 else ""
    return _CONFIGURATION.format(folder=folder, port=port, shop=shop, user=user, own=_OWN)


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError, ValueError):
        return ask(port, Asked("GET", _LIST)).status == 200
    return False
