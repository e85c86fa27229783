"""Creates random passwords once a folder, in files that only their owner can read."""

import os
import secrets
from pathlib import Path


def kept_secret(file: Path) -> str:
    """The password in `file`; made, and the folder with it, if there is none."""
    try:
        kept = file.read_text()
    except FileNotFoundError:
        kept = ""
    if kept:
        return kept
    file.parent.mkdir(parents=True, exist_ok=True)
    write_private(file, secrets.token_urlsafe(24))
    return file.read_text()


def write_private(file: Path, text: str) -> None:
    """Write a file as a whole or not at all; nobody else reads it at any moment."""
    half = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
    half.replace(file)
