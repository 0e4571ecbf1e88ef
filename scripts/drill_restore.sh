#!/usr/bin/env bash
# Bring the newest backup back beside the living shop, compare its books, and say how long that took. For the clock, once
# a week: 0 4 * * 1 nobody BACKUP_URL=… BACKUP_IDENTITIES=… /srv/nexus/scripts/drill_restore.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=${PYTHON:-.venv/bin/python}
began=$(date +%s)
trap 'echo "The drill FAILED after $(($(date +%s) - began)) s." >&2' ERR

"$python" src/manage.py restore --drill "$@"
echo "The drill took $(($(date +%s) - began)) s."
