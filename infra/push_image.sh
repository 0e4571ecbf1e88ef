#!/usr/bin/env bash
# Pushes a local image under a tag, and prints its name there by digest: what deploy.sh takes.
# usage: ACCOUNT=… TOKEN=… push_image.sh IMAGE REGISTRY/REPOSITORY TAG
set -euo pipefail

image=${1:?image} repository=${2:?registry and repository} tag=${3:?tag}
docker=${DOCKER:-docker}
registry=${repository%%/*}

# The sign-in is for this push alone.
DOCKER_CONFIG=$(mktemp -d)
export DOCKER_CONFIG
trap 'rm -rf "$DOCKER_CONFIG"' EXIT
"$docker" login --username "${ACCOUNT:?}" --password-stdin "$registry" <<<"${TOKEN:?}" >&2

"$docker" tag "$image" "$repository:$tag"
"$docker" push "$repository:$tag" >&2
# Docker leaves its own registry's name out.
"$docker" image inspect --format '{{join .RepoDigests "\n"}}' "$image" | grep --fixed-strings "${repository#docker.io/}@sha256:"
