#!/usr/bin/env bash
# Writes the five Secrets of the shop as env files with new random values, for the servers of infra/k8s/base.
# usage: make_secrets.sh FOLDER EMAIL_URL     A file that is there is kept.
set -euo pipefail
folder=${1:?folder} email_url=${2:?where mail is sent, such as smtp+tls://user:password@mail.example:587}
umask 077
mkdir -p "$folder"

hex() { openssl rand -hex "$1"; }
write() { # NAME LINE…
  local file="$folder/$1.env"
  [[ -e $file ]] || { printf '%s\n' "${@:2}" >"$file.new" && mv "$file.new" "$file"; }
}
value() { sed -n "s/^$2=//p" "$folder/$1.env"; }

write postgres "POSTGRES_PASSWORD=$(hex 24)"
# Who migrates; web, worker and beat are not told.
write owner "DATABASE_OWNER_URL=postgres://nexus:$(value postgres POSTGRES_PASSWORD)@postgres:5432/nexus"
write redis "REDISCLI_AUTH=$(hex 24)"
write rabbitmq RABBITMQ_DEFAULT_USER=nexus "RABBITMQ_DEFAULT_PASS=$(hex 24)"
write nexus \
  "SECRET_KEY=$(hex 32)" \
  "FIELD_KEYS=k1:$(openssl rand -base64 32)" \
  "DATABASE_URL=postgres://shop:$(hex 24)@postgres:5432/nexus" \
  "REDIS_URL=redis://:$(value redis REDISCLI_AUTH)@redis:6379/0" \
  "BROKER_URL=amqp://nexus:$(value rabbitmq RABBITMQ_DEFAULT_PASS)@rabbitmq:5672//" \
  "EMAIL_URL=$email_url"
