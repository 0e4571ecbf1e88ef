#!/usr/bin/env bash
# Puts the whole shop up by Compose as docs/deployment.md says: from the root as production does, then from infra/docker with the
# demo's settings, for the journey of scripts/test_api.sh through Nginx. Takes it down again, its volumes too.
# usage: try_compose.sh     It has a project of its own; the ports of .env.example must be free.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
export COMPOSE_PROJECT_NAME=nexus-try
place=$root

compose() { (cd "$place" && docker compose "$@"); }
down() { compose down --volumes --remove-orphans --timeout 30; }
# shellcheck disable=SC2317 # called by the trap
clean() {
  local code=$?
  ((code == 0)) || { compose ps --all; compose logs --tail 50; } >&2 || true
  down >/dev/null 2>&1 || true
  rm -rf "$work"
  exit "$code"
}
trap clean EXIT

up() { # FOLDER
  place=$1
  compose up --build --detach --wait --wait-timeout 600
  # By the certificate that Nginx made for itself.
  compose exec -T nginx cat /run/nginx/certificate.pem >"$work/certificate.pem"
  export CURL_CA_BUNDLE=$work/certificate.pem
  curl --fail --silent --show-error https://localhost:8443/readyz
  echo
}

up "$root"
down

export DJANGO_SETTINGS_MODULE=config.settings.local
up "$root/infra/docker"
compose exec -T web nexus load_demo
compose exec -T web cat /data/sign-ins.json >"$work/sign-ins.json"
BASE=https://localhost:8443 NEXUS_DATA=$work MAILPIT=http://localhost:8025 "$root/scripts/test_api.sh"
echo "Compose: well"
