#!/usr/bin/env bash
# Judges what runs the shop by the tools made for it: workflows, shell, images, manifests, the Jenkinsfile. And looks for
# secrets in every file: those that .secrets.baseline lists are none (tests/test_secrets.py says why).
# A tool that is not installed is named and left out; with CI=true that is a failure.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
failed=0

has() {
  command -v "$1" >/dev/null && return
  echo "lint-infra: $1 is not installed" >&2
  [[ ${CI:-} != true ]] || failed=1
  return 1
}

check() { # NAME COMMAND…
  if "${@:2}"; then echo "$1: well"; else failed=1; fi
}

# shellcheck disable=SC2317 # called by its name
lint_jenkinsfile() {
  local place code=0 # it looks through the whole folder, and may write there
  place=$(mktemp -d)
  cp infra/jenkins/Jenkinsfile "$place"
  npm-groovy-lint --noserver --path "$place" --files Jenkinsfile --loglevel warning --failon warning >"$place/out" 2>&1 || code=$?
  ((code == 0)) || cat "$place/out" >&2
  rm -rf "$place"
  return "$code"
}

# shellcheck disable=SC2317 # called by its name
lint_secrets() {
  local kept code=0 # what is known only moved to other lines: it writes that down, and says 3
  kept=$(mktemp)
  cp .secrets.baseline "$kept"
  detect-secrets-hook --no-verify --baseline "$kept" "${tracked[@]}" || code=$?
  rm -f "$kept"
  ((code == 0 || code == 3))
}

mapfile -t tracked < <(git ls-files -- . ':!.secrets.baseline' ':!requirements/*.txt')
mapfile -t scripts < <(git ls-files '*.sh' .ci/run | sort)
mapfile -t images < <(git ls-files 'infra/*Dockerfile*' | sort)

if has actionlint; then check workflows actionlint; fi
if has shellcheck; then check scripts shellcheck "${scripts[@]}"; fi
if has hadolint; then check images hadolint "${images[@]}"; fi
if has npm-groovy-lint; then check Jenkinsfile lint_jenkinsfile; fi
if has check-jsonschema; then
  check "Jenkins by compose" check-jsonschema --quiet --builtin-schema vendor.compose-spec infra/jenkins/compose.yml
  check Dependabot check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
fi
if has detect-secrets-hook; then check secrets lint_secrets; fi
exit "$failed"
