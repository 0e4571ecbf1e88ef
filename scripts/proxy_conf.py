"""Nginx's configuration for a shop, from the templates of ``infra/nginx``; in containers ``envsubst`` fills them in.

PYTHONPATH=scripts python scripts/proxy_conf.py FOLDER [NAME=VALUE …]   writes it, and names its main file
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

NGINX = Path(__file__).resolve().parents[1] / "infra" / "nginx"
_NAME = re.compile(r"\$\{(NEXUS_[A-Z_]+)\}")


def defaults() -> dict[str, str]:
    """Return the values of ``defaults.env``."""
    lines = (NGINX / "defaults.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def write_configuration(folder: Path, values: Mapping[str, str]) -> Path:
    """Fill the templates in, write them to a folder, and return the main file there.

    :param values: name -> what stands for it instead of the default
    :raises KeyError: a template asks for, or ``values`` has, a name that is not known
    """
    known = defaults()
    if unknown := values.keys() - known.keys():
        raise KeyError(*sorted(unknown))
    filled = known | dict(values)
    for template in sorted((NGINX / "templates").glob("*.template")):
        (folder / template.stem).write_text(_NAME.sub(lambda found: filled[found[1]], template.read_text()))
    return folder / "nginx.conf"


def values_in(folder: Path, *, http: int, https: int, shops: Mapping[str, str]) -> dict[str, str]:
    """Return what a Nginx on loopback, with all that it writes in one folder, needs.

    The CA of the web processes is where ``nexus certify`` leaves it in ``tls`` there.

    :param shops: ``host:port`` of web processes -> parameters of their ``server``, such as ``down``
    """
    return {
        "NEXUS_SHOP": " ".join(f"server {address} {parameters};" for address, parameters in shops.items()),
        "NEXUS_SHOP_CA": str(folder / "tls" / "trusted" / "ca.pem"),
        "NEXUS_HTTP": f"127.0.0.1:{http}",
        "NEXUS_HTTPS": f"127.0.0.1:{https}",
        "NEXUS_HTTPS_SUFFIX": f":{https}",
        "NEXUS_HEALTH": f"unix:{folder}/health.sock",
        "NEXUS_CERTIFICATE": str(folder / "certificate.pem"),
        "NEXUS_CERTIFICATE_KEY": str(folder / "certificate.key"),
        "NEXUS_FILES": str(folder),
        "NEXUS_RUN": str(folder),
        "NEXUS_CACHE": str(folder),
        "NEXUS_ACCESS_LOG": str(folder / "access.log"),
        "NEXUS_ERROR_LOG": str(folder / "error.log"),
    }


def main() -> None:
    """Write a configuration as the command line asks."""
    folder, *pairs = sys.argv[1:]
    print(write_configuration(Path(folder), dict(pair.split("=", 1) for pair in pairs)))


if __name__ == "__main__":
    main()
