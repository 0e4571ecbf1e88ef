#!/bin/sh
# Before Nginx starts: a certificate of its own, for those who have given it none. No browser trusts it.
set -eu
certificate=${NEXUS_CERTIFICATE:-/run/nginx/certificate.pem} key=${NEXUS_CERTIFICATE_KEY:-/run/nginx/certificate.key}
[ -s "$certificate" ] && exit 0
umask 077
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$key" -out "$certificate" 2>/dev/null
echo "nginx: no certificate at $certificate, so that one was made that nobody trusts" >&2
