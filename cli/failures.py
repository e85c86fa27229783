"""Prints an error for a person: what happened and how to fix it, in two lines."""

import errno

from rich.console import Console

from livelift.errors import LiveliftError, ResourceError
from livelift.escaping import harmless_lines

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def explained(error: OSError) -> LiveliftError | None:
    """The operating system's refusal in our words: a file that cannot be used, a full disk; None for what may be a defect.

    >>> print(explained(PermissionError(13, "Permission denied", "out.tsv")))
    out.tsv cannot be used: Permission denied
      fix: check its permissions, or name another file or folder
    >>> explained(ConnectionResetError(104, "Connection reset by peer"))
    """
    if error.errno in NO_ROOM:
        return ResourceError(
            f"{error.filename or 'a file'} cannot be written: {error.strerror}", "make room on the disk"
        )
    if error.filename is None:
        return None
    return ResourceError(
        f"{error.filename} cannot be used: {error.strerror}", "check its permissions, or name another file or folder"
    )


def show(error: LiveliftError) -> int:
    """Print it to standard error; gives the exit code."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    for name, text in (("error:", error.what), ("  fix:", error.fix)):
        if text:
            console.print(name, style="bold red" if name == "error:" else "bold", end=" ")
            console.print(harmless_lines(text), markup=False)
    return error.exit_code
