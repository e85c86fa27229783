"""What generators of sample data have in common: what can be asked of them, and files that are complete or absent."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from livelift.errors import ResourceError, SettingsError


def require_size(events: int, users: int | None) -> None:
    """See that there is something to generate.

    Raises
    ------
    SettingsError
        If there are no events, or no users.
    """
    if events < 1:
        raise SettingsError(f"--events {events}: there is nothing to generate", "use 1 or more")
    if users is not None and users < 1:
        raise SettingsError(f"--users {users}: there is nobody", "use 1 or more")


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write that becomes `path` when all is well, and vanishes when not.

    Raises
    ------
    ResourceError
        If the disk refuses.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise ResourceError(f"cannot write {path}: {error.strerror}", "make room, or choose another folder") from error
    finally:
        with suppress(OSError):  # it is gone already when all went well
            part.unlink()
