#!/usr/bin/env bash
# Writes the Secrets of the shop, for infra/k8s/base: five env files with new random values, and a folder for each certificate
# of the web pods, of the servers and of Nginx behind an Ingress, by a CA that is made for these alone. ca.key stays with you: no Secret is made of it.
# With a HOST it writes a certificate for it, which nobody trusts but who trusts ca.crt: for one's own machine.
# With BACKUP_URL (and BACKUP_RECIPIENTS, BACKUP_IDENTITIES, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) in the environment it
# writes those of backups, too.
# usage: make_secrets.sh FOLDER EMAIL_URL [HOST]     A file that is there is kept; a certificate that was deleted is made anew.
set -euo pipefail
folder=${1:?folder} email_url=${2:?where mail is sent, such as smtp+tls://user:password@mail.example:587} host=${3:-}
umask 077
mkdir -p "$folder"

hex() { openssl rand -hex "$1"; }
write() { # NAME LINE…
  local file="$folder/$1.env"
  [[ -e $file ]] || { printf '%s\n' "${@:2}" >"$file.new" && mv "$file.new" "$file"; }
}
value() { sed -n "s/^$2=//p" "$folder/$1.env"; }

certify() { # FILE DAYS SUBJECT OPTION…     extensions come by standard input
  { printf '[req]\ndistinguished_name=name\n[name]\n[extensions]\nsubjectKeyIdentifier=hash\n' && cat; } >"$work/config"
  openssl req -new -sha256 -config "$work/config" -subj "/CN=$3" -key "${1%.crt}.key" -out "$work/request"
  openssl x509 -req -sha256 -days "$2" -set_serial "0x$(hex 16)" -in "$work/request" -extfile "$work/config" \
    -extensions extensions -out "$work/made" "${@:4}" 2>"$work/said" || { cat "$work/said" >&2 && exit 1; }
  mv "$work/made" "$1"
}
key() { [[ -e $1 ]] || openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }
for_server() { # NAME [HOST]
  local place="$folder/tls-$1"
  mkdir -p "$place"
  key "$place/tls.key"
  [[ -e $place/tls.crt ]] || certify "$place/tls.crt" 730 "${2:-$1}" -CA "$folder/ca.crt" -CAkey "$folder/ca.key" <<EXTENSIONS
authorityKeyIdentifier=keyid
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
subjectAltName=DNS:${2:-$1},DNS:localhost,IP:127.0.0.1
EXTENSIONS
  cp "$folder/ca.crt" "$place/ca.crt"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [[ ! -e $folder/ca.crt ]]; then
  key "$folder/ca.key"
  certify "$folder/ca.crt" 3650 "Nexus servers" -signkey "$folder/ca.key" <<EXTENSIONS
basicConstraints=critical,CA:TRUE,pathlen:0
keyUsage=critical,keyCertSign,cRLSign
EXTENSIONS
fi
mkdir -p "$folder/tls-ca"
cp "$folder/ca.crt" "$folder/tls-ca/ca.crt"
for name in web postgres redis rabbitmq; do for_server "$name"; done
for_server inside nginx # what Nginx shows to an Ingress
[[ -z $host ]] || for_server nginx "$host"

verified="?sslmode=verify-full&sslrootcert=/tls/ca.crt"
write postgres "POSTGRES_PASSWORD=$(hex 24)"
# Who migrates; web, worker and beat are not told.
write owner "DATABASE_OWNER_URL=postgres://nexus:$(value postgres POSTGRES_PASSWORD)@postgres:5432/nexus$verified"
write redis "REDISCLI_AUTH=$(hex 24)"
write rabbitmq RABBITMQ_DEFAULT_USER=nexus "RABBITMQ_DEFAULT_PASS=$(hex 24)"
write nexus \
  "SECRET_KEY=$(hex 32)" \
  "FIELD_KEYS=k1:$(openssl rand -base64 32)" \
  "DATABASE_URL=postgres://shop:$(hex 24)@postgres:5432/nexus$verified" \
  "REDIS_URL=rediss://:$(value redis REDISCLI_AUTH)@redis:6379/0?ssl_ca_certs=/tls/ca.crt" \
  "BROKER_URL=amqps://nexus:$(value rabbitmq RABBITMQ_DEFAULT_PASS)@rabbitmq:5671//?ssl_ca_certs=/tls/ca.crt" \
  "EMAIL_URL=$email_url"
if [[ -n ${BACKUP_URL:-} ]]; then
  given=()
  for name in BACKUP_URL BACKUP_RECIPIENTS AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY; do
    [[ -z ${!name:-} ]] || given+=("$name=${!name}")
  done
  write backup "${given[@]}"
  # The secret half, for the drill alone.
  [[ -z ${BACKUP_IDENTITIES:-} ]] || write drill "BACKUP_IDENTITIES=$BACKUP_IDENTITIES"
fi
