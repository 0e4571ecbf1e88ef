#!/usr/bin/env bash
# Brings one image to a cluster: servers, migrations, then web, workers, beat and Nginx; if they do not get ready, back to what ran.
# usage: deploy.sh OVERLAY IMAGE [BACKUP_IMAGE]     such as: deploy.sh production registry.example/nexus@sha256:… …@sha256:…
# Two at a time are the caller's to prevent. KUBECTL names the client with its options; TIMEOUT_SECONDS (600) each step's patience.
set -euo pipefail

overlay=${1:?overlay} image=${2:?image} backup_image=${3:-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
timeout=${TIMEOUT_SECONDS:-600}
read -ra kubectl <<<"${KUBECTL:-kubectl}"
processes=(web worker worker-money beat nginx)
is_process='app.kubernetes.io/component in (web, worker, worker-money, beat, nginx)'
is_migration='app.kubernetes.io/component = migrate'
is_other='app.kubernetes.io/component notin (web, worker, worker-money, beat, nginx, migrate)'

say() { printf '%s\n' "deploy: $*" >&2; }
k() { "${kubectl[@]}" "$@"; }
ask() { k --namespace "$namespace" "$@"; }
apply() { k apply --filename "$rendered" --selector "$1"; }

for each in "$image" ${backup_image:+"$backup_image"}; do
  case $overlay:$each in
    local:*:* | *:*@sha256:*) ;;
    *) say "$each: name it by digest, so that all that run it run the same" && exit 2 ;;
  esac
done

name_image() { # NAME IMAGE
  if [[ $2 == *@* ]]; then
    echo "  - {name: $1, newName: \"${2%@*}\", digest: \"${2##*@}\"}"
  else
    echo "  - {name: $1, newName: \"${2%:*}\", newTag: \"${2##*:}\"}"
  fi
}

# kustomize reads no folder by its full path, so that this one stands beside the overlays for a moment.
release=$(mktemp -d "$here/overlays/.release.XXXXXX")
trap 'rm -rf "$release"' EXIT
rendered=$release/rendered.yaml
{
  echo "resources: [../$overlay]"
  echo "images:"
  name_image nexus "$image"
  [[ -z $backup_image ]] || name_image nexus-backup "$backup_image"
} >"$release/kustomization.yaml"
k kustomize "$release" >"$rendered"
if grep -q 'image: nexus-backup$' "$rendered"; then
  say "$overlay backs up: name the image that does, too" && exit 2
fi
namespace=$(sed -n 's/^  namespace: //p' "$rendered" | head -1)

# In production the operator makes them (docs/kubernetes.md); a pod without one would only wait.
if ! grep -q '^kind: Secret$' "$rendered"; then
  sed -n -e '/secretRef:/{n;h;n;/optional: true/!{g;s/ *name: //p}}' -e '/^ *secret:/,/secretName:/s/ *secretName: //p' -e 's/^    secretName: //p' \
    "$rendered" | sort -u | while read -r secret; do
    ask get secret "$secret" --output name >/dev/null </dev/null || { say "the Secret $secret is missing" && exit 1; }
  done
fi

migrate() {
  local state
  ask delete job migrate --ignore-not-found --wait # a Job never changes: the next one has the same name
  apply "$is_migration"
  SECONDS=0
  while ((SECONDS < timeout)); do
    state=$(ask get job migrate --output 'jsonpath={.status.conditions[?(@.status=="True")].type}')
    case " $state " in
      *" Complete "*) return 0 ;;
      *" Failed "*) break ;;
    esac
    sleep 1
  done
  ask logs job/migrate --tail=100 >&2 || true
  return 1
}

revision_of() {
  ask get deployment "$1" --ignore-not-found --output 'jsonpath={.metadata.annotations.deployment\.kubernetes\.io/revision}'
}

# Only what the new release changed goes back; the database does not: migrations let the release before run on.
roll_back() {
  local name
  for name in "${processes[@]}"; do
    if [[ -z ${before[$name]} ]]; then
      say "$name: there is nothing to go back to"
    elif [[ $(revision_of "$name") != "${before[$name]}" ]]; then
      say "$name: back to revision ${before[$name]}"
      ask rollout undo "deployment/$name" --to-revision="${before[$name]}"
    fi
  done
  for name in "${processes[@]}"; do
    [[ -z ${before[$name]} ]] || ask rollout status "deployment/$name" --timeout="${timeout}s" || say "$name: not well either"
  done
}

say "servers and settings"
apply "$is_other"
for server in $(ask get statefulset --output name); do
  ask rollout status "$server" --timeout="${timeout}s"
done

say "migrations"
migrate || { say "the migrations failed; nothing else was changed" && exit 1; }

declare -A before
for name in "${processes[@]}"; do before[$name]=$(revision_of "$name"); done

say "$image"
rolled_out=yes
apply "$is_process" || rolled_out=no
for name in "${processes[@]}"; do
  [[ $rolled_out == no ]] || ask rollout status "deployment/$name" --timeout="${timeout}s" || rolled_out=no
done
if [[ $rolled_out == no ]]; then
  say "not ready in time"
  ask get pods --output wide >&2 || true
  roll_back
  exit 1
fi
say "done"
