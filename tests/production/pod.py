"""Nginx as its pod in a cluster starts it: the manifests' own templates, values, Secrets, words and user."""

from __future__ import annotations

import os
import re
import shutil
import signal
import ssl
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

from tests.production.before import Door
from tests.production.fleet import nginx_program
from tests.production.manifests import Rendered
from tests.runtime.shop import free_port, wait_for

AS_ROOT = os.geteuid() == 0


class NginxPod(Door):
    """A pod of Nginx. What is a folder of the container is one below ``root`` here, a port of it a free one.

    :param webs: ``host:port`` of the web pods that the Service leads to, in turns
    :param values: what an overlay says otherwise
    """

    def __init__(self, shop: Rendered, folder: Path, secrets: Path, webs: list[str], **values: str) -> None:
        self.root, self.container = folder / "root", shop.container("nginx")
        self.root.mkdir()
        self.spec = shop.pods["nginx"]["spec"]
        self.environment = shop.environment("nginx") | values
        self.http, self.https, self.health = free_port(), free_port(), free_port()
        self.context = ssl.create_default_context(cafile=str(secrets / "ca.crt"))
        self.process: subprocess.Popen[bytes] | None = None
        self.output = folder / "output"
        volumes = {volume["name"]: volume for volume in self.spec["volumes"]}
        for mount in self.container["volumeMounts"]:
            if "subPath" not in mount or mount["name"] == "media":
                self._mount(self.place(mount["mountPath"]), volumes[mount["name"]], shop, secrets)
        self._here(webs)
        self._fill_in()

    def place(self, path: str) -> Path:
        """Where a path of the container is."""
        return self.root / path.removeprefix("/")

    @property
    def who(self) -> dict[str, Any]:
        """The user that it runs as; whoever tests, where they may not choose."""
        told = self.spec["securityContext"]
        given = {"user": told["runAsUser"], "group": told["runAsGroup"], "extra_groups": [told["fsGroup"]]}
        return given if AS_ROOT else {}

    def command(self, *words: str) -> list[str]:
        """What the container runs, with other words behind."""
        program, *args = [re.sub(r"^/", f"{self.root}/", word) for word in self.container["args"]]
        assert program == "nginx"
        return [nginx_program(), "-e", "stderr", *args, *words]

    def begin(self, *words: str) -> subprocess.Popen[bytes]:
        """Run it as the container does, and do not wait."""
        with self.output.open("ab") as file:
            if AS_ROOT:  # as a container's standard output is its user's
                os.fchown(file.fileno(), self.who["user"], self.who["group"])
            return subprocess.Popen(
                self.command(*words), stdout=file, stderr=file, start_new_session=True, env=self.variables, **self.who
            )

    def start(self) -> NginxPod:
        """Start it, and return when it is ready."""
        self.process = process = self.begin()
        wait_for(lambda: process.poll() is not None or self.is_ready())
        assert process.poll() is None, self.output.read_text()
        return self

    def stop(self) -> None:
        """Leave nothing of it."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)

    @property
    def variables(self) -> dict[str, str]:
        """The environment of its processes."""
        return {"PATH": os.environ["PATH"]} | self.environment

    def is_ready(self) -> bool:
        """Ask as the readiness probe does."""
        probe = self.container["readinessProbe"]["httpGet"]
        door = Door()
        door.http = {"health": self.health, "http": self.http}[probe["port"]]
        try:
            return 200 <= door.ask(probe["path"], plain=True).status < 400
        except OSError:
            return False

    def _mount(self, place: Path, volume: dict[str, Any], shop: Rendered, secrets: Path) -> None:
        place.mkdir(parents=True)
        for folder in (self.root, *place.parents):
            if folder.is_relative_to(self.root):
                folder.chmod(0o755)
        if "secret" in volume:
            name = re.sub(r"^(tls-[a-z]+).*", r"\1", volume["secret"]["secretName"])
            files = {file.name: file.read_bytes() for file in (secrets / name).iterdir()}
            self.project(place, files, mode=volume["secret"].get("defaultMode", 0o644))
        elif "configMap" in volume:
            data = shop.one("ConfigMap", volume["configMap"]["name"])["data"]
            files = {name: text.encode() for name, text in data.items()}
            self.project(place, files, mode=volume["configMap"].get("defaultMode", 0o644))
        elif "emptyDir" in volume:
            place.chmod(0o2770)
            if AS_ROOT:
                shutil.chown(place, "root", self.who["extra_groups"][0])

    def project(self, place: Path, files: Mapping[str, bytes], *, mode: int) -> None:
        """Put the files of a Secret or ConfigMap there, as the kubelet does: at once, behind a link."""
        version = Path(tempfile.mkdtemp(prefix="..", dir=place))
        version.chmod(0o755)
        for name, content in files.items():
            file = version / name
            file.write_bytes(content)
            file.chmod(mode if AS_ROOT else mode | 0o400)
            if AS_ROOT:
                shutil.chown(file, "root", self.who["extra_groups"][0])
            if not (place / name).is_symlink():
                (place / name).symlink_to(f"..data/{name}")
        link = place / "..data_tmp"
        link.symlink_to(version.name)
        link.replace(place / "..data")

    def _here(self, webs: list[str]) -> None:
        """Give the values this machine's places, ports and addresses."""
        ports = {
            str(port["containerPort"]): f"127.0.0.1:{number}"
            for port in self.container["ports"]
            for number in [{"http": self.http, "https": self.https, "health": self.health}[port["name"]]]
        }
        turns = cycle(webs)
        for name, value in self.environment.items():
            if re.match(r"/(?!dev/)", value):
                self.environment[name] = f"{self.root}{value}"
            elif name in {"NEXUS_HTTP", "NEXUS_HTTPS", "NEXUS_HEALTH"}:
                number, *words = value.split()
                self.environment[name] = " ".join([ports[number], *words])
        shops = self.environment["NEXUS_SHOP"]
        self.environment["NEXUS_SHOP"] = re.sub(r"\bweb:443\b", lambda _: next(turns), shops)

    def _fill_in(self) -> None:
        """As the image of Nginx does before it starts it."""
        wanted = re.compile(self.environment["NGINX_ENVSUBST_FILTER"])
        names = " ".join(f"${{{name}}}" for name in self.environment if wanted.match(name))
        templates, filled = self.place("/etc/nginx/templates"), Path(self.environment["NGINX_ENVSUBST_OUTPUT_DIR"])
        # It follows links, and finds what the kubelet put there several times.
        words = ["find", str(templates), "-follow", "-type", "f", "-name", "*.template"]
        found = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
        for template in map(Path, found):
            done = subprocess.run(
                ["envsubst", names], input=template.read_bytes(), capture_output=True, check=True, env=self.variables
            )
            target = filled / template.relative_to(templates).with_suffix("")
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(done.stdout)


@contextmanager
def started(pod: NginxPod) -> Iterator[NginxPod]:
    """The pod, for as long as it is wanted."""
    try:
        yield pod.start()
    finally:
        pod.stop()
