"""The embedded servers: where they listen, who shares them, and what is refused."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import environ
import psutil
import psycopg
import pytest
import redis

from config import embedded
from config.embedded import THROWAWAY, Postgres, Redis, Refusal, spawning
from config.embedded.places import POSTGRES_SOCKET
from config.version import VERSION


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose name leaves room for a socket's."""
    with tempfile.TemporaryDirectory(prefix="nexus-t-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def both(data: Path) -> list[embedded.Server]:
    sockets = embedded.socket_folder(data)
    return [Postgres(data / "postgres", sockets, THROWAWAY), Redis(data / "redis", sockets)]


class TestLocalSecrets:
    def test_of_many_first_starts_one_wins(self, tmp_path: Path) -> None:
        data = tmp_path / "data"

        with ThreadPoolExecutor(max_workers=8) as starts:
            found = list(starts.map(embedded.local_secrets, [data] * 16))

        assert all(item == found[0] for item in found)
        assert [path.name for path in data.iterdir()] == ["secrets.json"]

    def test_a_field_key_is_named_and_has_32_bytes(self, tmp_path: Path) -> None:
        kept = embedded.local_secrets(tmp_path)

        name, _, key = kept["field_keys"].partition(":")

        assert name
        assert len(base64.b64decode(key)) == 32
        assert len(kept["secret_key"]) >= 50

    def test_nobody_else_may_read_them(self, tmp_path: Path) -> None:
        embedded.local_secrets(tmp_path)

        assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600

    def test_refuses_a_place_that_is_no_folder(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()

        with pytest.raises(Refusal, match="data folder"):
            embedded.local_secrets(tmp_path / "file")


class TestSocketFolder:
    def test_is_in_the_data_folder_where_that_is_short(self) -> None:
        assert embedded.socket_folder(Path("/srv/shop")) == Path("/srv/shop/run")

    def test_is_short_for_a_deep_data_folder(self, tmp_path: Path) -> None:
        deep = tmp_path.joinpath(*["a-long-name-of-a-folder"] * 6)

        found = embedded.socket_folder(deep)

        assert deep not in found.parents
        assert len(os.fsencode(found / ".s.PGSQL.5432.lock")) <= 107
        assert found != embedded.socket_folder(deep / "other")

    def test_does_not_follow_a_link_that_was_copied_from_another_shop(self, tmp_path: Path) -> None:
        deep = tmp_path.joinpath(*["a-long-name-of-a-folder"] * 6)
        deep.mkdir(parents=True)
        (deep / "run").symlink_to("/tmp/nexus-0-another")

        assert embedded.socket_folder(deep) != Path("/tmp/nexus-0-another")


class TestAddresses:
    @pytest.mark.parametrize("name", ["plain", "with space", "50% & more#1?"])
    def test_django_finds_the_socket(self, name: str) -> None:
        data = Path("/srv") / name

        found = environ.Env.db_url_config(embedded.database_url(data))

        assert found["HOST"] == f"/srv/{name}/run"
        assert found["NAME"] == found["USER"] == "postgres"


class TestRefuseNewer:
    @pytest.mark.parametrize("version", ["99.0", f"{VERSION}.1", "2"])
    def test_refuses_a_newer_folder(self, tmp_path: Path, version: str) -> None:
        (tmp_path / "version").write_text(version)

        with pytest.raises(Refusal, match="newer"):
            embedded.refuse_newer(tmp_path)

    @pytest.mark.parametrize("version", [f"{VERSION}\n", "0.0.9", "0.0.10"])
    def test_takes_its_own_and_older_ones(self, tmp_path: Path, version: str) -> None:
        (tmp_path / "version").write_text(version)

        embedded.refuse_newer(tmp_path)

    def test_refuses_what_it_cannot_read(self, tmp_path: Path) -> None:
        (tmp_path / "version").write_text("tomorrow")

        with pytest.raises(Refusal, match="tomorrow"):
            embedded.refuse_newer(tmp_path)

    def test_the_version_is_noted_once_migrated(self, tmp_path: Path) -> None:
        embedded.note_version(tmp_path)
        embedded.note_version(tmp_path)

        embedded.refuse_newer(tmp_path)

    def test_refuses_the_files_of_another_postgresql(self, folder: Path) -> None:
        (folder / "postgres").mkdir()
        (folder / "postgres" / "PG_VERSION").write_text("99\n")

        with pytest.raises(Refusal, match="PostgreSQL 99"):
            both(folder)[0].launch()


class TestShared:
    def test_the_last_one_out_stops_the_servers(self, folder: Path) -> None:
        with embedded.shared(folder, both(folder)):
            with embedded.shared(folder, both(folder)):
                pids = [server.pid() for server in both(folder)]
            after_one = [server.pid() for server in both(folder)]

        assert None not in pids
        assert after_one == pids
        assert [server.pid() for server in both(folder)] == [None, None]

    def test_they_answer_and_keep_what_was_written(self, folder: Path) -> None:
        with embedded.shared(folder, both(folder)):
            assert redis.Redis.from_url(embedded.redis_url(folder)).ping()
            with psycopg.connect(host=str(folder / "run"), user="postgres") as connection:
                connection.execute("CREATE TABLE kept ()")

        with embedded.shared(folder, both(folder)), psycopg.connect(host=str(folder / "run"), user="postgres") as again:
            row = again.execute("SELECT to_regclass('kept'), current_setting('shared_preload_libraries')").fetchone()

        assert row == ("kept", "pg_stat_statements")

    def test_a_server_whose_owner_was_killed_is_adopted(self, folder: Path) -> None:
        left = both(folder)
        with embedded.turn(folder):
            embedded.start(folder, left)
        before = [server.pid() for server in left]

        with embedded.shared(folder, both(folder)):
            during = [server.pid() for server in both(folder)]

        assert during == before
        assert [server.pid() for server in both(folder)] == [None, None]

    def test_a_killed_server_comes_back_even_if_another_process_has_its_number_now(self, folder: Path) -> None:
        postgres = both(folder)[0]
        with embedded.turn(folder):
            embedded.start(folder, [postgres])
        killed = postgres.pid()
        assert killed is not None
        psutil.Process(killed).kill()
        postgres.stop()
        other = spawning.spawn([shutil.which("sleep") or "", "60"], reach=(), output=subprocess.DEVNULL)
        for lock in (postgres.pid_file, postgres.sockets / f"{POSTGRES_SOCKET}.lock"):
            lines = lock.read_text().splitlines(keepends=True)
            lock.write_text("".join([f"{other.pid}\n", *lines[1:]]))

        embedded.keep(folder, [postgres])

        assert postgres.pid() not in {None, killed}
        postgres.stop()
        other.kill()
        other.wait()

    def test_says_in_one_line_why_a_server_does_not_start(self, folder: Path) -> None:
        broken = Postgres(folder / "postgres", folder / "run", {"shared_buffers": "a lot"})

        with (
            pytest.raises(Refusal, match=r"shared_buffers.*postgres\.log") as refusal,
            embedded.shared(folder, [broken]),
        ):
            pass

        assert "\n" not in str(refusal.value)
        assert broken.pid() is None

    def test_refuses_a_folder_that_is_somebody_elses(self, folder: Path) -> None:
        if os.geteuid() != 0:
            pytest.skip("root is needed to make one")
        (folder / "run").mkdir()
        os.chown(folder / "run", 12345, 12345)

        with pytest.raises(Refusal, match="somebody else"), embedded.shared(folder, both(folder)):
            pass

    def test_refuses_sockets_that_do_not_fit(self, folder: Path) -> None:
        with pytest.raises(Refusal, match="too long"):
            Redis(folder / "redis", folder / ("x" * 100)).launch()
