#!/usr/bin/env bash
# Has a real API server judge the manifests of all overlays, by a dry run in which every warning is an error.
# usage: check.sh FOLDER     FOLDER keeps etcd and kube-apiserver; what is missing is built with Go (10 minutes the first time).
# No nodes, no containers: everything listens on this machine alone, and is stopped at the end.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "${1:?folder}"
programs=$(cd "$1" && pwd)
version=1.34.4 # of Kubernetes; its libraries are numbered 0.34.4
kubectl=${KUBECTL:-kubectl}

build() (
  cd "$programs"
  mkdir -p etcd-main apiserver-main
  go mod download "k8s.io/kubernetes@v$version"
  module=$(go env GOMODCACHE)/cache/download/k8s.io/kubernetes/@v/v$version.mod
  # As a dependency, Kubernetes has none of its staging folders: they are modules of their own.
  sed -E -e 's#^module .*#module local/programs#' \
    -e "s#(k8s\.io/\S+) v0\.0\.0( |\$)#\1 v0.${version#*.}\2#" \
    -e "s#^(\s+)(k8s\.io/\S+) => \./staging/.*#\1\2 => \2 v0.${version#*.}#" "$module" >go.mod
  echo "require k8s.io/kubernetes v$version" >>go.mod
  cat >etcd-main/main.go <<'GO'
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
GO
  cat >apiserver-main/main.go <<'GO'
package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() { os.Exit(cli.Run(app.NewAPIServerCommand())) }
GO
  package=k8s.io/component-base/version
  go build -mod=mod -ldflags "-s -w" -o etcd ./etcd-main
  go build -mod=mod -o kube-apiserver \
    -ldflags "-s -w -X $package.gitVersion=v$version -X $package.gitMajor=1 -X $package.gitMinor=34" ./apiserver-main
)

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

[[ -x $programs/etcd && -x $programs/kube-apiserver ]] || build

data=$(mktemp -d)
started=()
stop() {
  kill "${started[@]}" 2>/dev/null || true
  wait
  rm -rf "$data"
}
trap stop EXIT

etcd_port=$(free_port) peer_port=$(free_port) api_port=$(free_port)
etcd_url=http://127.0.0.1:$etcd_port peer_url=http://127.0.0.1:$peer_port token=$(openssl rand -hex 16)
openssl genrsa -out "$data/accounts.key" 2048 2>/dev/null
echo "$token,admin,1,system:masters" >"$data/tokens"

"$programs/etcd" --data-dir "$data/etcd" --listen-client-urls "$etcd_url" --advertise-client-urls "$etcd_url" \
  --listen-peer-urls "$peer_url" --initial-advertise-peer-urls "$peer_url" --initial-cluster "default=$peer_url" \
  --unsafe-no-fsync --log-level error >"$data/etcd.log" 2>&1 &
started+=($!)
"$programs/kube-apiserver" --etcd-servers="$etcd_url" --cert-dir="$data/certificates" --bind-address=127.0.0.1 \
  --advertise-address=127.0.0.1 --secure-port="$api_port" --service-account-issuer=https://local \
  --service-account-key-file="$data/accounts.key" --service-account-signing-key-file="$data/accounts.key" \
  --token-auth-file="$data/tokens" --authorization-mode=RBAC --service-cluster-ip-range=10.96.0.0/16 \
  --disable-admission-plugins=ServiceAccount --endpoint-reconciler-type=none >"$data/apiserver.log" 2>&1 &
started+=($!)

k() { "$kubectl" --server="https://127.0.0.1:$api_port" --insecure-skip-tls-verify --token="$token" "$@"; }
tries=0
until k get --raw /readyz >/dev/null 2>&1; do
  ((tries += 1))
  if ! kill -0 "${started[@]}" || ((tries == 300)); then
    tail -n 20 "$data"/*.log >&2
    exit 1
  fi
  sleep 0.2
done

cp -r "$here" "$here/../nginx" "$data"
"$here/make_secrets.sh" "$data/k8s/overlays/local/secrets" consolemail:// nexus.localhost
k apply --server-side --filename "$here/overlays/production/namespace.yaml" >/dev/null # its Pod Security Standard warns
for overlay in local production ingress; do
  "$kubectl" kustomize "$data/k8s/overlays/$overlay" >"$data/$overlay.yaml"
  k apply --server-side --dry-run=server --warnings-as-errors --filename "$data/$overlay.yaml"
done
echo "Kubernetes $version takes all overlays."
