#!/usr/bin/env bash
# What of Debian is in an image, for `make sbom PACKAGES=…`: its release, an empty line, and dpkg's own list.
#
#   infra/list_packages.sh IMAGE > packages.txt
set -euo pipefail
image=${1:?usage: list_packages.sh IMAGE}

exec "${ENGINE:-docker}" run --rm --network none --entrypoint sh "$image" \
  -c 'cat /etc/os-release; echo; cat /var/lib/dpkg/status'
