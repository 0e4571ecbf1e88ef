"""Add the Debian packages of an image to a list of components: ``python scripts/sbom.py sbom.json < told``.

What is told is the image's ``/etc/os-release``, an empty line, and ``/var/lib/dpkg/status`` (deb822, dpkg's own list).
The list is CycloneDX in JSON; packages are named as the package URL specification has them for Debian.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

_FIELD = re.compile(r"^(Package|Status|Version|Architecture|Source): (.*)$", re.MULTILINE)
_RELEASE = re.compile(r'^(ID|VERSION_ID)="?([^"\n]*)"?$', re.MULTILINE)


def debian_components(told: str) -> Iterator[dict[str, Any]]:
    """Return the installed packages as components, by their names.

    :raises SystemExit: nothing is installed there, which is no Debian
    """
    release, _, status = told.partition("\n\n")
    of = dict(_RELEASE.findall(release))
    distro = f"{of.get('ID', 'debian')}-{of.get('VERSION_ID', 'unknown')}"
    stanzas = [dict(_FIELD.findall(stanza)) for stanza in status.split("\n\n")]
    installed = [each for each in stanzas if each.get("Status", "").endswith(" installed")]
    if not installed:
        sys.exit("sbom: no Debian packages were told")
    for each in sorted(installed, key=lambda each: (each["Package"], each["Architecture"])):
        name, version = quote(each["Package"], safe=""), quote(each["Version"], safe="")
        purl = f"pkg:deb/{of.get('ID', 'debian')}/{name}@{version}?arch={each['Architecture']}&distro={distro}"
        yield {
            "type": "library",
            "bom-ref": purl,
            "name": each["Package"],
            "version": each["Version"],
            "purl": purl,
            # What advisories are written about: one source makes several packages.
            "properties": [{"name": "nexus:debian:source", "value": each.get("Source", each["Package"])}],
        }


def main(path: Path, told: str) -> int:
    """Write the list anew, with them; return how many they are. Once more changes nothing."""
    document = json.loads(path.read_text())
    others = [each for each in document["components"] if not each.get("purl", "").startswith("pkg:deb/")]
    packages = list(debian_components(told))
    document["components"] = [*others, *packages]
    path.write_text(json.dumps(document, indent=2) + "\n")
    return len(packages)


if __name__ == "__main__":
    print(f"{main(Path(sys.argv[1]), sys.stdin.read())} Debian packages")
