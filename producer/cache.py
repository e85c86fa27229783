"""On-disk cache of the sorted input: one folder for each input, study and selection, complete or absent.

<cache>/<study>-<key>/events.parquet      the events in replay order
                      rejected.parquet    the rows that were refused, for the dead-letter topic
                      manifest.json       what it was made from, what became of the rows, stamps of the two files
<cache>/<study>-<key>.building/           while it is made, by the holder of the lock; left by a killed one
<cache>/lock                              held while a cache is made, released by the system when its holder dies
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pyarrow as pa
import structlog

from livelift.errors import InputError
from livelift.events import Manifest
from livelift.lookups import Lookup, table_file
from livelift.source import Field, Source
from livelift.study import Study
from producer.sources import Selection
from producer.sources.finding import files_of

CACHE_SCHEMA = 5
"""Raised whenever the files' content or meaning changes; a cache of another schema is made anew."""

EVENTS = pa.schema([("row", pa.int64()), ("time", pa.int64()), ("user", pa.string()), ("value", pa.binary())])
"""`row` 0, 1, …; `time` in ms; `value` is the record to send, JSON."""

_SAMPLE_BYTES = 64 << 10

log = structlog.get_logger("producer")


class InputStamp(msgspec.Struct, frozen=True):
    """A file of the input as it was. Its change time (`ctime_ns`) moves with every write to it, even where size and
    modification time are put back; head and tail guard against clocks that jump."""

    name: str
    size: int
    inode: int
    modified_ns: int
    changed_ns: int
    head_and_tail: str


class CacheKey(msgspec.Struct, frozen=True):
    """All that the content of a cache depends on. `path` is the input's file, or the folder of its files. The tables of lookups are known by the SHA-256 of their files."""

    schema: int
    study: str
    source: Source
    fields: dict[str, Field]
    lookups: dict[str, Lookup]
    tables: dict[str, str]
    start: int | None
    end: int | None
    path: str
    files: list[InputStamp]

    @property
    def name(self) -> str:
        """The folder's name."""
        return f"{self.study}-{hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:16]}"


class _Stamp(msgspec.Struct, frozen=True):
    size: int
    changed_ns: int


class _Record(msgspec.Struct, frozen=True):
    key: CacheKey
    manifest: Manifest
    files: dict[str, _Stamp]


class _Sealed(msgspec.Struct, frozen=True):
    """manifest.json: the record with its checksum, so that an edited or half-written one is known."""

    sha256: str
    record: msgspec.Raw


@dataclass(frozen=True, slots=True)
class Prepared:
    """A complete cache."""

    folder: Path
    manifest: Manifest

    @property
    def events(self) -> Path:
        return self.folder / "events.parquet"

    @property
    def rejected(self) -> Path:
        return self.folder / "rejected.parquet"

    @property
    def _sealed(self) -> Path:
        return self.folder / "manifest.json"


def key_of(path: Path, study: Study, selection: Selection) -> CacheKey:
    """The key of the cache made from `path`, and from the tables of the study's lookups, as they are now.

    Raises
    ------
    OSError
        If a file of the input cannot be read.
    InputError
        If a table is not there.
    """
    return CacheKey(
        schema=CACHE_SCHEMA,
        study=study.name,
        source=study.source,
        fields=study.fields,
        lookups=study.lookups,
        tables={name: _digest(table_file(name, lookup, path, study.folder)) for name, lookup in study.lookups.items()},
        start=selection.start,
        end=selection.end,
        path=str(path.resolve()),
        files=[_stamped(file) for file in files_of(path, study.source)],
    )


def _stamped(path: Path) -> InputStamp:
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        sample = hashlib.sha256(file.read(_SAMPLE_BYTES))
        file.seek(max(0, status.st_size - _SAMPLE_BYTES))
        sample.update(file.read(_SAMPLE_BYTES))
    return InputStamp(
        name=path.name,
        size=status.st_size,
        inode=status.st_ino,
        modified_ns=status.st_mtime_ns,
        changed_ns=status.st_ctime_ns,
        head_and_tail=sample.hexdigest(),
    )


def _digest(table: Path) -> str:
    try:
        with table.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"the table {table} cannot be read: {error.strerror}", "check its permissions") from None


def load(cache: Path, key: CacheKey) -> Prepared | None:
    """The complete cache of `key`; None if there is none, or if it is not as it was made (then the log says so)."""
    folder = cache / key.name
    if not folder.exists():
        return None
    problem = ""
    try:
        record = _unseal((folder / "manifest.json").read_bytes())
        prepared = Prepared(folder, record.manifest)
        if record.key != key:
            problem = "its manifest is of another input"
        elif record.files != _stamps(prepared):
            problem = "a file was changed or cut short after it was made"
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        problem = str(error)
    if problem:
        log.warning("the cache is damaged and will be made again", folder=str(folder), problem=problem)
        return None
    return prepared


def seal(folder: Path, key: CacheKey, manifest: Manifest) -> None:
    """Write the manifest of the finished files in `folder`."""
    prepared = Prepared(folder, manifest)
    record = msgspec.json.encode(_Record(key, manifest, _stamps(prepared)))
    sealed = _Sealed(hashlib.sha256(record).hexdigest(), msgspec.Raw(record))
    prepared._sealed.write_bytes(msgspec.json.encode(sealed))


def publish(building: Path, cache: Path, key: CacheKey) -> None:
    """Make the sealed folder `building` the cache of `key`, in place of a damaged one; drop the caches of the same input,
    or of it with the same lookups, as it was before a change: nothing asks for them any more."""
    folder = cache / key.name
    shutil.rmtree(folder, ignore_errors=True)
    building.rename(folder)
    for other in cache.glob(f"{key.study}-*/manifest.json"):
        try:
            theirs = _unseal(other.read_bytes()).key
        except (OSError, ValueError, msgspec.MsgspecError):
            continue
        if theirs.path == key.path and (
            theirs.files != key.files or (theirs.lookups == key.lookups and theirs.tables != key.tables)
        ):
            shutil.rmtree(other.parent, ignore_errors=True)


@contextmanager
def building_folder(cache: Path, key: CacheKey) -> Iterator[Path]:
    """An empty folder to make the cache in, removed unless published. Only the holder of the lock has one."""
    folder = cache / f"{key.name}.building"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def locked(cache: Path) -> Iterator[None]:
    """Be the only one who makes a cache; what killed ones left is cleared."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in cache.glob("*.building"):
            shutil.rmtree(left, ignore_errors=True)
        yield


def _unseal(content: bytes) -> _Record:
    sealed = msgspec.json.decode(content, type=_Sealed)
    if hashlib.sha256(sealed.record).hexdigest() != sealed.sha256:
        raise ValueError("its manifest was edited")
    return msgspec.json.decode(sealed.record, type=_Record)


def _stamps(prepared: Prepared) -> dict[str, _Stamp]:
    stamps = {}
    for file in (prepared.events, prepared.rejected):
        status = file.stat()
        stamps[file.name] = _Stamp(status.st_size, status.st_ctime_ns)
    return stamps
