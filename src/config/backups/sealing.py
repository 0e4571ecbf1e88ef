"""What stands between a file and its copy in a store: gzip, and age (age-encryption.org) where keys are given.

A copy is sealed for recipients, whose public halves are all that the machine has that makes backups; what opens it is
needed only where it is brought back. Both formats are read by their own tools, too: ``age -d | gunzip``.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from typing import IO

import pyrage

from config.backups.errors import BackupRefused
from config.backups.stores import Reader, Store

_CHUNK = 2**18
_GZIP_WINDOW = 31  # zlib: 15 bits of window, and 16 for a gzip header
PACKED, SEALED = ".gz", ".age"


class Seal:
    """How copies are packed and unpacked.

    :param recipients: public keys (``age1…``); none: copies are not encrypted
    :param identities: secret keys (``AGE-SECRET-KEY-1…``), needed to open what is sealed
    :raises BackupRefused: one is no key
    """

    def __init__(self, *, recipients: Sequence[str] = (), identities: Sequence[str] = ()) -> None:
        try:
            self._recipients = [pyrage.x25519.Recipient.from_str(each) for each in recipients]
            self._identities = [pyrage.x25519.Identity.from_str(each) for each in identities]
        except (pyrage.RecipientError, pyrage.IdentityError) as error:
            raise BackupRefused(f"BACKUP_RECIPIENTS or BACKUP_IDENTITIES: {error}") from error

    @property
    def closes(self) -> bool:
        """Are copies encrypted?"""
        return bool(self._recipients)

    def put(self, store: Store, name: str, content: Reader) -> tuple[str, int, str]:
        """Pack and keep; return the name in the store, and how many bytes with which SHA-256 stand there."""
        packed: Reader = _Compressing(content)
        name += PACKED
        with contextlib.ExitStack() as stack:
            if self._recipients:
                name += SEALED
                packed = stack.enter_context(_sealing(packed, self._recipients))
            counted = _Counting(packed)
            store.put(name, counted)
        return name, counted.size, counted.sum.hexdigest()

    def stored_name(self, name: str) -> str:
        """Return the name that a file gets in a store."""
        return name + PACKED + (SEALED if self._recipients else "")

    @contextlib.contextmanager
    def open(self, store: Store, name: str) -> Iterator[Unpacked]:
        """Give a reader of what was packed.

        :raises FileNotFoundError: there is no such file
        :raises BackupRefused: it is sealed, and no key of ours opens it
        """
        with contextlib.ExitStack() as stack:
            stored = _Counting(stack.enter_context(contextlib.closing(store.get(name))))
            packed: Reader = stored
            if name.endswith(SEALED):
                if not self._identities:
                    raise BackupRefused(f"{name} is sealed: give the secret key by --identity or BACKUP_IDENTITIES")
                packed = stack.enter_context(_opening(stored, self._identities))
            yield Unpacked(packed, stored)


class _Counting:
    """Counts and sums what goes through."""

    def __init__(self, source: Reader) -> None:
        self._source = source
        self.size = 0
        self.sum = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        taken = self._source.read(size)
        self.size += len(taken)
        self.sum.update(taken)
        return taken


class Unpacked:
    """A reader of what was packed."""

    def __init__(self, packed: Reader, stored: _Counting) -> None:
        self._stored = stored
        self._packed = packed
        self._plain = gzip.GzipFile(fileobj=packed, mode="rb")  # type: ignore[call-overload]

    def read(self, size: int = -1, /) -> bytes:
        taken: bytes = self._plain.read(size)
        return taken

    def finish(self) -> tuple[int, str]:
        """Read to the end; return size and SHA-256 of what stands in the store."""
        for source in (self, self._packed, self._stored):
            while source.read(_CHUNK):
                pass
        return self._stored.size, self._stored.sum.hexdigest()


class _Compressing:
    """A gzip stream of what the source gives."""

    def __init__(self, source: Reader) -> None:
        self._source = source
        self._squeeze = zlib.compressobj(level=1, wbits=_GZIP_WINDOW)
        self._ready = b""
        self._is_over = False

    def read(self, size: int = -1, /) -> bytes:
        while not self._is_over and (size < 0 or len(self._ready) < size):
            taken = self._source.read(_CHUNK)
            self._is_over = not taken
            self._ready += self._squeeze.compress(taken) if taken else self._squeeze.flush()
        size = len(self._ready) if size < 0 else size
        given, self._ready = self._ready[:size], self._ready[size:]
        return given


@contextlib.contextmanager
def _sealing(source: Reader, recipients: Sequence[pyrage.x25519.Recipient]) -> Iterator[Reader]:
    watched = _Watched(source)

    def close_it(out: IO[bytes]) -> None:
        try:
            pyrage.encrypt_io(watched, out, recipients)
        except pyrage.EncryptError as error:
            raise watched.failure or error from None

    with _beside(close_it) as sealed:
        yield sealed


@contextlib.contextmanager
def _opening(source: Reader, identities: Sequence[pyrage.x25519.Identity]) -> Iterator[Reader]:
    watched = _Watched(source)

    def open_it(out: IO[bytes]) -> None:
        try:
            pyrage.decrypt_io(watched, out, identities)
        except pyrage.DecryptError as error:
            raise watched.failure or BackupRefused(f"no key of ours opens it: {error}") from None

    with _beside(open_it) as opened:
        yield opened


class _Watched:
    """Remembers how its source failed, of which age tells no more than the words."""

    def __init__(self, source: Reader) -> None:
        self._source = source
        self.failure: BaseException | None = None

    def read(self, size: int = -1, /) -> bytes:
        try:
            return self._source.read(size)
        except BaseException as error:
            self.failure = error
            raise


class _Piped:
    """The reading end of a pipe. Who writes has failed is known at its end, and raised there: nothing is cut short."""

    def __init__(self, pipe: IO[bytes], failures: SimpleQueue[BaseException]) -> None:
        self._pipe = pipe
        self._failures = failures

    def read(self, size: int = -1, /) -> bytes:
        taken = self._pipe.read(size)
        if not taken and not self._failures.empty():
            raise self._failures.get()
        return taken


@contextlib.contextmanager
def _beside(write: Callable[[IO[bytes]], object]) -> Iterator[Reader]:
    """Have a thread write, and give a reader of what it writes."""
    reading, writing = os.pipe()
    failures: SimpleQueue[BaseException] = SimpleQueue()

    def work() -> None:
        with contextlib.suppress(BrokenPipeError), os.fdopen(writing, "wb") as out:
            try:
                write(out)
                out.flush()
            except BaseException as error:  # noqa: BLE001 - raised where it is read
                failures.put(error)

    thread = threading.Thread(target=work, name="seal")
    with os.fdopen(reading, "rb") as pipe:
        thread.start()
        yield _Piped(pipe, failures)
    thread.join()
