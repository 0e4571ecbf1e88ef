#!/bin/sh
# Forget every public read that Nginx keeps: sh purge.sh [the folder of NEXUS_CACHE]
# No change of the shop needs it, for what is old is shown to nobody. It is for what must not lie on a disk any longer.
set -eu
find "${1:-${NEXUS_CACHE:-/var/cache/nginx}}/kept" -type f -delete
