"""The order of a deployment, and what is left of one that fails. The cluster is a stand-in, the manifests are real."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.production.manifests import BEHIND_AN_INGRESS, CERTIFICATES, SECRETS, copy_manifests, kustomize

IMAGE = "registry.example/nexus@sha256:" + "a" * 64
BACKUP_IMAGE = "registry.example/nexus-backup@sha256:" + "b" * 64
PROCESSES = ("web", "worker", "worker-money", "beat", "nginx")
OURS = 5  # that run the image, the migrations among them
UNDONE = [f"rollout undo deployment/{name} --to-revision=7" for name in PROCESSES]

# Notes each call; says what a cluster would, by the files that stand in its folder.
CLUSTER = """#!/usr/bin/env bash
cd {folder}
[[ $1 == kustomize ]] && exec {kustomize} "$2"
words="$*"; words=${{words#--namespace nexus }}
case $words in
  apply*)
    [[ -e {folder}/seen.yaml ]] || cp "$3" seen.yaml
    words="apply ${{words##* --selector }}"
    [[ $words == *"component in "* ]] && touch new
    ;;
  "get secret "*) [[ ! -e no-secrets ]] || exit 1 ;;
  "get statefulset"*) echo statefulset.apps/postgres ;;
  "get job"*) [[ -e bad-migration ]] && echo Failed || echo "SuccessCriteriaMet Complete" ;;
  "get deployment"*) [[ -e first ]] && ! [[ -e new ]] || if [[ -e new ]]; then echo 8; else echo 7; fi ;;
  "rollout undo "*) touch undone ;;
  "rollout status deployment/web"*) [[ -e bad-image && ! -e undone ]] && {{ echo "$words" >> calls; exit 1; }} ;;
esac
echo "$words" >> calls
"""


class Cluster:
    """A stand-in for kubectl and the cluster behind it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifests = folder / "k8s"  # the script writes there for a moment
        copy_manifests(folder)
        self.program = folder / "kubectl"
        self.program.write_text(CLUSTER.format(folder=shlex.quote(str(folder)), kustomize=shlex.join(kustomize())))
        self.program.chmod(0o755)

    def having(self, *states: str) -> Cluster:
        for state in states:
            (self.folder / state).touch()
        return self

    def deploy(
        self, overlay: str = "production", image: str = IMAGE, backup_image: str = BACKUP_IMAGE
    ) -> subprocess.CompletedProcess[str]:
        env = {"PATH": os.environ["PATH"], "KUBECTL": str(self.program), "TIMEOUT_SECONDS": "30"}
        words = [self.manifests / "deploy.sh", overlay, image, backup_image]
        return subprocess.run(words, env=env, capture_output=True, text=True, check=False)

    @property
    def calls(self) -> list[str]:
        noted = self.folder / "calls"
        return noted.read_text().splitlines() if noted.exists() else []

    def changes(self) -> list[str]:
        return [call for call in self.calls if call.split()[0] in {"apply", "delete"} or "undo" in call]


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


class TestDeploy:
    def test_changes_servers_then_the_database_then_the_shop(self, cluster: Cluster) -> None:
        done = cluster.deploy()

        assert done.returncode == 0, done.stderr
        assert cluster.changes() == [
            "apply app.kubernetes.io/component notin (web, worker, worker-money, beat, nginx, migrate)",
            "delete job migrate --ignore-not-found --wait",
            "apply app.kubernetes.io/component = migrate",
            "apply app.kubernetes.io/component in (web, worker, worker-money, beat, nginx)",
        ]
        waited = [call.split()[2] for call in cluster.calls if call.startswith("rollout status")]
        assert waited == ["statefulset.apps/postgres", *(f"deployment/{name}" for name in PROCESSES)]

    def test_asks_for_the_secrets_that_it_does_not_make(self, cluster: Cluster) -> None:
        cluster.deploy()

        asked = [call.split()[2] for call in cluster.calls if call.startswith("get secret")]
        wanted = {*SECRETS, *CERTIFICATES} - {"owner", "drill", "tls-inside"}
        assert sorted(asked) == sorted(wanted), "without an owner, one role does all; without a seal, nothing opens it"

    def test_asks_for_those_of_an_ingress_too(self, cluster: Cluster) -> None:
        cluster.deploy(overlay=BEHIND_AN_INGRESS)

        asked = {call.split()[2] for call in cluster.calls if call.startswith("get secret")}
        assert {"tls-inside", "tls-nginx"} <= asked

    def test_names_the_image_by_its_digest_in_all_roles(self, cluster: Cluster) -> None:
        cluster.deploy()

        seen = (cluster.folder / "seen.yaml").read_text()
        assert seen.count(f"image: {IMAGE}\n") == OURS
        assert seen.count(f"image: {BACKUP_IMAGE}\n") == 2
        assert list((cluster.manifests / "overlays").glob(".release.*")) == []

    @pytest.mark.parametrize("image", ["registry.example/nexus", "registry.example/nexus:1.2.3"])
    def test_refuses_an_image_that_may_change(self, cluster: Cluster, image: str) -> None:
        done = cluster.deploy(image=image)

        assert (done.returncode, cluster.calls) == (2, [])
        assert "by digest" in done.stderr

    @pytest.mark.parametrize("image", ["", "registry.example/nexus-backup:1.2.3"])
    def test_refuses_to_go_without_the_image_that_backs_up(self, cluster: Cluster, image: str) -> None:
        done = cluster.deploy(backup_image=image)

        assert (done.returncode, cluster.changes()) == (2, [])
        assert "name" in done.stderr

    def test_changes_nothing_without_the_secrets(self, cluster: Cluster) -> None:
        done = cluster.having("no-secrets").deploy()

        assert (done.returncode, cluster.changes()) == (1, [])
        assert "the Secret backup is missing" in done.stderr

    def test_leaves_the_shop_alone_when_a_migration_fails(self, cluster: Cluster) -> None:
        done = cluster.having("bad-migration").deploy()

        assert done.returncode == 1
        assert cluster.changes()[-1] == "apply app.kubernetes.io/component = migrate"
        assert "logs job/migrate --tail=100" in cluster.calls

    def test_goes_back_to_what_ran_when_the_new_one_is_not_ready(self, cluster: Cluster) -> None:
        done = cluster.having("bad-image").deploy()

        assert done.returncode == 1
        assert cluster.changes()[-len(PROCESSES) :] == UNDONE
        assert [call.split()[2] for call in cluster.calls[-len(PROCESSES) :]] == [
            f"deployment/{name}" for name in PROCESSES
        ]

    def test_has_nothing_to_go_back_to_the_first_time(self, cluster: Cluster) -> None:
        done = cluster.having("bad-image", "first").deploy()

        assert done.returncode == 1
        assert "undo" not in " ".join(cluster.calls)
        assert "there is nothing to go back to" in done.stderr
