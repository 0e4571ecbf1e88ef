"""The manifests of `infra/k8s` as a cluster gets them, and what its network would let through."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
K8S = ROOT / "infra" / "k8s"
NGINX = ROOT / "infra" / "nginx"
OVERLAYS = ("local", "production")
# The second, behind an Ingress of the cluster.
BEHIND_AN_INGRESS = "ingress"
COMPONENT = "app.kubernetes.io/component"
WORKLOADS = frozenset({"Deployment", "StatefulSet", "Job", "CronJob"})
# The Secrets that a shop has, as make_secrets.sh writes them.
SECRETS = ("nexus", "owner", "postgres", "redis", "rabbitmq", "backup", "drill")
# Where its backups go, as an operator says it to that script.
BACKUPS = {
    "BACKUP_URL": "s3://shop-backups/nexus?region_name=eu-west-1",
    "BACKUP_RECIPIENTS": "age1-of-nobody,age1-of-another",
    "BACKUP_IDENTITIES": "AGE-SECRET-KEY-OF-NOBODY",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "word",
}
# Those with the certificates of servers, and of the CA.
CERTIFICATES = ("tls-ca", "tls-nginx", "tls-inside", "tls-web", "tls-postgres", "tls-redis", "tls-rabbitmq")
# What that script leaves in a folder.
MADE = (*(f"{name}.env" for name in SECRETS), "ca.*", "tls-*")
APP = ("web", "worker", "worker-money", "beat", "migrate")
SERVERS = ("postgres", "redis", "rabbitmq")


@dataclass(frozen=True)
class Rendered:
    """One overlay, rendered."""

    documents: tuple[dict[str, Any], ...]
    # Secret -> its lines, as the operator has them.
    secrets: Mapping[str, Mapping[str, str]]

    def of(self, *kinds: str) -> Iterator[dict[str, Any]]:
        """The objects of these kinds."""
        return (document for document in self.documents if document["kind"] in kinds)

    def one(self, kind: str, name: str) -> dict[str, Any]:
        """The object of that name."""
        (found,) = [document for document in self.of(kind) if document["metadata"]["name"] == name]
        return found

    @cached_property
    def pods(self) -> dict[str, dict[str, Any]]:
        """Component -> the pod's template."""
        specs = [document["spec"] for document in self.of(*WORKLOADS)]
        templates = [spec.get("jobTemplate", {"spec": spec})["spec"]["template"] for spec in specs]
        return {template["metadata"]["labels"][COMPONENT]: template for template in templates}

    def container(self, component: str) -> dict[str, Any]:
        """The only container of a pod."""
        (container,) = self.pods[component]["spec"]["containers"]
        return dict(container)

    def environment(self, component: str) -> dict[str, str]:
        """What the container's process finds in its environment."""
        found: dict[str, str] = {}
        container = self.container(component)
        for source in container.get("envFrom", []):
            if "configMapRef" in source:
                found |= self.one("ConfigMap", source["configMapRef"]["name"])["data"]
            else:
                found |= self.secrets[secret_of(source["secretRef"]["name"])]
        return found | {each["name"]: each["value"] for each in container.get("env", [])}

    def lets_through(self, start: str, end: str, port: int) -> bool:
        """Tell whether the network policies let a pod, an address or a namespace (``ns:…``) ask another at a port."""
        leaves = start not in self.pods or self._allowed("egress", "to", start, end, port)
        return leaves and (end not in self.pods or self._allowed("ingress", "from", end, start, port))

    def _allowed(self, direction: str, peers: str, ours: str, other: str, port: int) -> bool:
        labels = self.pods[ours]["metadata"]["labels"]
        policies = [
            policy["spec"]
            for policy in self.of("NetworkPolicy")
            if direction.capitalize() in policy["spec"]["policyTypes"]
            and selects(policy["spec"]["podSelector"], labels)
        ]
        rules = [rule for policy in policies for rule in policy.get(direction, [])]
        asked = other if direction == "egress" else ours
        return not policies or any(
            (peers not in rule or any(self._is_peer(peer, other) for peer in rule[peers]))
            and any(self._number(each["port"], asked) == port for each in rule["ports"])
            for rule in rules
        )

    def _is_peer(self, peer: dict[str, Any], other: str) -> bool:
        if "ipBlock" in peer:
            block = peer["ipBlock"]
            return is_address(other) and inside(other, [block["cidr"]]) and not inside(other, block.get("except", []))
        if "namespaceSelector" in peer:
            named = peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
            return other == f"ns:{named}"
        return other in self.pods and selects(peer["podSelector"], self.pods[other]["metadata"]["labels"])

    def _number(self, port: int | str, component: str) -> int:
        if isinstance(port, int):
            return port
        (number,) = [each["containerPort"] for each in self.container(component)["ports"] if each["name"] == port]
        return int(number)


def secret_of(name: str) -> str:
    """The name before kustomize gave it the hash of what is in it."""
    (found,) = [secret for secret in SECRETS if name == secret or name.startswith(f"{secret}-")]
    return found


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Tell whether a label selector matches."""
    exact = selector.get("matchLabels", {}).items() <= labels.items()
    return exact and all(labels.get(each["key"]) in each["values"] for each in selector.get("matchExpressions", []))


def is_address(name: str) -> bool:
    """Tell an address from a name."""
    return ":" in name.removeprefix("ns:") or name.replace(".", "").isdigit()


def inside(address: str, networks: Collection[str]) -> bool:
    """Tell whether the address is in one of the networks."""
    return any(ip_address(address) in ip_network(network) for network in networks)


def kustomize() -> list[str]:
    """The program that renders a folder, and its words."""
    for words in (["kustomize", "build"], ["kubectl", "kustomize"]):
        if shutil.which(words[0]):
            return words
    pytest.skip("neither kustomize nor kubectl is installed")


@cache
def render(overlay: str, folder: Path) -> Rendered:
    """Render an overlay from a copy of the manifests, with new secrets."""
    place = folder / "k8s"
    if not place.exists():
        copy_manifests(folder)
        write_secrets(place / "overlays" / "local" / "secrets")
    words = [*kustomize(), str(place / "overlays" / overlay)]
    text = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return Rendered(tuple(yaml.safe_load_all(text)), read_secrets(place / "overlays" / "local" / "secrets"))


def copy_manifests(folder: Path) -> None:
    """Copy them, and Nginx's templates which they are made of, without Secrets of whoever works here."""
    shutil.copytree(K8S, folder / "k8s", ignore=shutil.ignore_patterns(*MADE, ".release.*"))
    shutil.copytree(NGINX, folder / "nginx")


def write_secrets(folder: Path) -> None:
    """Make the Secrets as an operator does on a machine of their own."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    words = [K8S / "make_secrets.sh", folder, "smtp+tls://shop:word@mail.example:587", "nexus.localhost"]
    subprocess.run(words, check=True, env=os.environ | BACKUPS)


def read_secrets(folder: Path) -> dict[str, dict[str, str]]:
    """Secret -> its lines."""
    return {file.stem: read_lines(file.read_text()) for file in folder.glob("*.env")}


def read_lines(text: str) -> dict[str, str]:
    """Read ``NAME=value`` lines."""
    return {name: value for name, _, value in (line.partition("=") for line in text.splitlines())}


def certificate_of(name: str) -> str:
    """The Secret's name before kustomize gave it the hash of what is in it."""
    (found,) = re.findall(r"^tls-(?:ca|inside|nginx|web|postgres|redis|rabbitmq)(?=$|-)", name)
    return str(found)
