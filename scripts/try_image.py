"""Build the image, boot each of its roles as a container, ask them, and say what the image weighs. As root; minutes.

PYTHONPATH=src python scripts/try_image.py [--base IMAGE]      needs buildah, podman, runc and redis-server

Without ``--base`` the base is made of Debian's own packages (debootstrap). Everything stands in one temporary folder
that is removed at the end; containers have no network but this machine's. What is wrong is the last line, and exit
code 1.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import http.client
import json
import os
import re
import secrets
import shutil
import socket
import subprocess  # nosec B404: the engine's commands, with arguments of ours
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from config.embedded import THROWAWAY, Postgres
from config.version import VERSION

ROOT = Path(__file__).resolve().parents[1]
IMAGE = "localhost/nexus:try"
BACKUP_IMAGE = "localhost/nexus-backup:try"
# As a registry keeps it and a machine fetches it: compressed.
MOST_BYTES = 250_000_000
USER = "10001"
SECONDS_TO_START = 300.0
TMPFS = "/tmp:mode=1777"  # noqa: S108  # nosec B108 - that of a container
_CONTAINERS = """[containers]
default_ulimits = ["nofile=1024:1024","nproc=4096:4096"]
netns = "host"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
_STORAGE = """[storage]
driver = "vfs"
graphroot = "{folder}/store"
runroot = "{folder}/run"
"""
_NOT_IN_A_CONTAINER = ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache/apt", "var/lib/apt/lists")


class NotAsItShould(Exception):
    """What the image, or this machine, does otherwise."""


def main() -> None:
    """Build, boot, ask, weigh."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="nexus-image-"))
    folder.chmod(0o755)
    try:
        _configure_engine(folder)
        base = asked.base or _make_base(folder)
        _build(base)
        _judge(base, folder)
        with _servers(folder) as environment:
            _boot(environment)
            _back_up(environment)
        print("The image is as it should be.")
    except (NotAsItShould, subprocess.CalledProcessError) as error:
        sys.exit(f"nexus: {error}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(*words: str) -> str:
    """Run a command and return what it printed.

    :raises subprocess.CalledProcessError: it fails
    """
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout.strip()  # nosec B603


def _configure_engine(folder: Path) -> None:
    (folder / "containers.conf").write_text(_CONTAINERS)
    (folder / "storage.conf").write_text(_STORAGE.format(folder=folder))
    os.environ["CONTAINERS_CONF"] = str(folder / "containers.conf")
    os.environ["CONTAINERS_STORAGE_CONF"] = str(folder / "storage.conf")


def _make_base(folder: Path) -> str:
    """Import a Debian with Python, without what only people read."""
    mirror = re.search(r"(https?://\S+) bookworm/main", run("apt-cache", "policy"))
    if mirror is None:
        raise NotAsItShould("no mirror of Debian bookworm is known to apt")
    root = folder / "rootfs"
    packages = "--include=ca-certificates,python3,python3-venv"
    run("debootstrap", "--variant=minbase", packages, "bookworm", str(root), mirror[1])
    for name in _NOT_IN_A_CONTAINER:
        shutil.rmtree(root / name, ignore_errors=True)
    trusted = Path("etc/ssl/certs/ca-certificates.crt")
    shutil.copy(Path("/") / trusted, root / trusted)
    (root / "etc/pip.conf").write_text(f"[global]\ncert = /{trusted}\n")
    archive = folder / "base.tar"
    run("tar", "-C", str(root), "-cf", str(archive), ".")
    run("podman", "import", "-q", str(archive), "localhost/base:try")
    archive.unlink()
    shutil.rmtree(root)
    return "localhost/base:try"


def _build(base: str) -> None:
    revision = run("git", "rev-parse", "HEAD")
    arguments = {"BASE_IMAGE": base, "VERSION": VERSION, "REVISION": revision}
    words = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
    how = ["--layers", "--isolation", "chroot", "--network", "host", "--format", "docker"]
    for kind in (["-t", IMAGE], ["-t", BACKUP_IMAGE, "--target", "backup"]):
        run("buildah", "bud", "-q", *how, *words, *kind, "-f", "infra/docker/Dockerfile", ".")


def _judge(base: str, folder: Path) -> None:
    """Look at what the image says of itself, and weigh it."""
    told = json.loads(run("podman", "image", "inspect", IMAGE))[0]
    config = told["Config"]
    expect("its user", config["User"], f"{USER}:{USER}")
    expect("its version", config["Labels"]["org.opencontainers.image.version"], VERSION)
    check = config.get("Healthcheck") or told.get("Healthcheck") or {}  # which of them, podman's version decides
    expect("its check", check.get("Test"), ["CMD", "nexus", "alive"])
    packed = folder / "packed"
    run("buildah", "push", "-q", IMAGE, f"oci:{packed}")
    bytes_packed = sum(file.stat().st_size for file in packed.rglob("*") if file.is_file())
    shutil.rmtree(packed)
    bytes_of_base = int(run("podman", "image", "inspect", "--format", "{{.Size}}", base))
    print(f"compressed {bytes_packed / 1e6:.0f} MB", end="; ")
    print(f"unpacked {told['Size'] / 1e6:.0f} MB, {bytes_of_base / 1e6:.0f} of them the base")
    if bytes_packed > MOST_BYTES:
        raise NotAsItShould(f"the image has {bytes_packed} bytes, compressed")


@contextlib.contextmanager
def _servers(folder: Path) -> Iterator[dict[str, str]]:
    """PostgreSQL and Redis on loopback, as settings of production name them."""
    postgres_port, redis_port = _free_port(), _free_port()
    options = THROWAWAY | {"listen_addresses": "127.0.0.1", "port": str(postgres_port)}
    options |= {"wal_level": "replica", "max_wal_senders": "4"}  # for `backup`
    postgres = Postgres(folder / "postgres", folder / "sockets", options)
    postgres.launch()
    redis = subprocess.Popen(  # nosec B603
        ["redis-server", "--bind", "127.0.0.1", "--port", str(redis_port), "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    try:
        postgres.wait()
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        yield {
            "ALLOWED_HOSTS": "shop.example",
            "SECRET_KEY": secrets.token_urlsafe(64),
            "FIELD_KEYS": f"try:{key}",
            "DATABASE_URL": f"postgres://postgres@127.0.0.1:{postgres_port}/postgres",
            "REDIS_URL": f"redis://127.0.0.1:{redis_port}/1",
            "BROKER_URL": f"redis://127.0.0.1:{redis_port}/0",
            "EMAIL_URL": "smtp://127.0.0.1:9",
            "PUBLIC_URL": "https://shop.example",
            "WEB_HOST": "127.0.0.1",
            "PORT": str(_free_port()),
        }
    finally:
        postgres.stop()
        redis.terminate()
        redis.wait()


def _how(environment: dict[str, str]) -> list[str]:
    """As production does: no root, nothing to write to but the data folder and ``/tmp``."""
    variables = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
    how = ["--read-only", "--read-only-tmpfs=false", "--tmpfs", TMPFS, "--cap-drop=all", "--network=host"]
    how += ["--security-opt=no-new-privileges", "--security-opt=seccomp=unconfined", "--volume", "nexus-try:/data"]
    return how + variables


def _boot(environment: dict[str, str]) -> None:
    """Start each role, ask it, and stop it."""
    how = _how(environment)
    run("podman", "run", "--rm", *how, IMAGE, "migrate")
    roles = ("web", "worker", "beat")
    for role in roles:
        run("podman", "run", "--detach", "--name", f"nexus-{role}", *how, IMAGE, role)
    try:
        port = int(environment["PORT"])
        _wait_for(lambda: _ask(port, "/readyz").get("status") == "ok", "/readyz to say that the shop is ready")
        print("readyz:", json.dumps(_ask(port, "/readyz")))
        expect("the list of products", _ask(port, "/api/v1/products").get("count"), 0)
        for role in roles:
            _wait_for(lambda role=role: _is_alive(role), f"{role} to be alive")  # type: ignore[misc]
            expect(f"the user of {role}", run("podman", "exec", f"nexus-{role}", "id", "-u"), USER)
        written = "import pathlib; pathlib.Path('/opt/nexus/x').touch()"
        refused = subprocess.run(  # nosec B603 B607
            ["podman", "exec", "nexus-web", "python", "-c", written], stderr=subprocess.PIPE, text=True, check=False
        )
        if "Read-only file system" not in refused.stderr and "Permission denied" not in refused.stderr:
            raise NotAsItShould("its own files can be written to")
        for role in roles:
            run("podman", "stop", "--time", "60", f"nexus-{role}")
            expect(f"the end of {role}", run("podman", "wait", f"nexus-{role}"), "0")
    except (NotAsItShould, subprocess.CalledProcessError):
        for role in roles:
            subprocess.run(["podman", "logs", f"nexus-{role}"], check=False)  # nosec B603 B607
        raise
    finally:
        run("podman", "rm", "--force", "--all")


def _back_up(environment: dict[str, str]) -> None:
    """Have the other image keep a store up to date, and bring the shop back from it."""
    how = [*_how(environment | {"BACKUP_URL": "/backups"}), "--volume", "nexus-backups:/backups"]
    locales = run("podman", "run", "--rm", *how, "--entrypoint", "locale", BACKUP_IMAGE, "-a")
    expect("PostgreSQL's locale", "en_US.utf8" in locales.split(), True)
    run("podman", "run", "--detach", "--name", "nexus-backup", *how, BACKUP_IMAGE)
    try:
        _wait_for(lambda: _is_alive("backup"), "backup to be alive")
        check = ["podman", "exec", "nexus-backup", "nexus", "backup", "--check"]
        _wait_for(lambda: subprocess.run(check, check=False).returncode == 0, "a base backup")  # nosec B603
        said = run("podman", "run", "--rm", *how, BACKUP_IMAGE, "restore", "--drill")
        expect("the drill's end", said.splitlines()[-2:-1], ["The books agree."])
        run("podman", "stop", "--time", "60", "nexus-backup")
        expect("the end of backup", run("podman", "wait", "nexus-backup"), "0")
    except (NotAsItShould, subprocess.CalledProcessError):
        subprocess.run(["podman", "logs", "nexus-backup"], check=False)  # nosec B603 B607
        raise
    finally:
        run("podman", "rm", "--force", "--all")


def expect(what: str, found: object, wanted: object) -> None:
    """Compare.

    :raises NotAsItShould: they differ
    """
    if found != wanted:
        raise NotAsItShould(f"{what} is {found!r}, not {wanted!r}")


def _is_alive(role: str) -> bool:
    return subprocess.run(["podman", "exec", f"nexus-{role}", "nexus", "alive"], check=False).returncode == 0  # nosec B603 B607


def _ask(port: int, path: str) -> dict[str, object]:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError), contextlib.closing(client):
        client.request("GET", path, headers={"Host": "shop.example"})
        told: dict[str, object] = json.loads(client.getresponse().read())
        return told
    return {}


def _wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while not condition():
        if time.monotonic() > deadline:
            raise NotAsItShould(f"waited {SECONDS_TO_START:.0f} s for {what}")
        time.sleep(0.5)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
