#!/usr/bin/env bash
# Starts every role of an image as production does, beside servers that are thrown away, and waits until all are well.
# With BACKUP_IMAGE, that one makes a base backup, and brings the shop back from it.
# usage: try_image.sh IMAGE [BACKUP_IMAGE]     DOCKER names the client.
set -euo pipefail

image=${1:?image} backup_image=${2:-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
docker=${DOCKER:-docker}
name=nexus-try-$$
secrets=$(mktemp -d)
roles=(web worker beat)
servers=(postgres redis rabbitmq)

clean() {
  for part in backup "${roles[@]}" "${servers[@]}"; do "$docker" rm --force --volumes "$name-$part" >/dev/null 2>&1 || true; done
  "$docker" volume rm "$name" >/dev/null 2>&1 || true
  "$docker" network rm "$name" >/dev/null 2>&1 || true
  rm -rf "$secrets"
}
trap clean EXIT

until_well() { # PART COMMAND…
  for ((tries = 0; tries < 120; tries++)); do
    if "$docker" exec "$name-$1" "${@:2}" >/dev/null 2>&1; then return; fi
    sleep 1
  done
  "$docker" logs --tail 50 "$name-$1" >&2
  echo "$1 is not well after two minutes" >&2
  return 1
}

serve() { # NAME OPTION…
  "$docker" run --detach --name "$name-$1" --network "$name" --network-alias "$1" --env-file "$secrets/$1.env" "${@:2}" >/dev/null
}

run() { # OPTION…
  "$docker" run --network "$name" --env-file "$secrets/nexus.env" --env ALLOWED_HOSTS=shop.example \
    --env PUBLIC_URL=https://shop.example --env PLAIN_HOSTS=postgres,redis,rabbitmq \
    --read-only --cap-drop ALL --security-opt no-new-privileges \
    --tmpfs /tmp --tmpfs /data:uid=10001,gid=10001 "$@"
}

"$here/k8s/make_secrets.sh" "$secrets" consolemail://
# Servers that are thrown away, in a network that nobody else is in, speak plainly.
sed -i -e 's/^\(DATABASE\|DATABASE_OWNER\|REDIS\|BROKER\)\(_URL=[^?]*\).*/\1\2/' -e 's/=rediss:/=redis:/' -e 's/=amqps:\(.*\):5671/=amqp:\1:5672/' \
  "$secrets/nexus.env" "$secrets/owner.env"
"$docker" network create "$name" >/dev/null
# shellcheck disable=SC2016 # the shell of the container knows the password
serve redis redis:7.2 sh -c 'exec redis-server --requirepass "$REDISCLI_AUTH"'
serve rabbitmq rabbitmq:4.1
serve postgres --env POSTGRES_USER=nexus --env POSTGRES_DB=nexus \
  --volume "$here/docker/pg_hba.conf:/etc/postgresql/pg_hba.conf:ro" postgres:18 -c hba_file=/etc/postgresql/pg_hba.conf
until_well redis redis-cli -e ping
until_well rabbitmq rabbitmq-diagnostics -q check_port_connectivity
until_well postgres pg_isready -q -h 127.0.0.1 -U nexus

run --rm --env-file "$secrets/owner.env" "$image" migrate
for role in "${roles[@]}"; do run --detach --name "$name-$role" "$image" "$role" >/dev/null; done
until_well web python -c 'import urllib.request as web; web.urlopen("http://127.0.0.1:8000/readyz")'
for role in "${roles[@]}"; do until_well "$role" nexus alive; done
"$docker" stop --time 60 "${roles[@]/#/$name-}" >/dev/null
for role in "${roles[@]}"; do
  code=$("$docker" inspect --format '{{.State.ExitCode}}' "$name-$role")
  ((code == 0)) || { echo "$role ended with $code when it was told to stop" >&2 && exit 1; }
done
if [[ -n $backup_image ]]; then
  store=(--env BACKUP_URL=/backups --volume "$name:/backups")
  run --detach --name "$name-backup" --env-file "$secrets/owner.env" "${store[@]}" "$backup_image" >/dev/null
  until_well backup nexus alive
  until_well backup nexus backup --check
  run --rm "${store[@]}" "$backup_image" restore --drill
fi
echo "$image: migrate, ${roles[*]} are well, and stop when they are told to."
