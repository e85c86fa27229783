"""Checks free disk space in advance, since a broker exits when its disk is full."""

import shutil
from pathlib import Path

from livelift.errors import ResourceError

MIB = 1 << 20


def is_full(folder: Path) -> bool:
    """Has the disk of `folder` less than a MiB free? A few messages may not go into its logs any more."""
    return shutil.disk_usage(folder).free < MIB


def require_free_space(folder: Path, needed: int, purpose: str) -> None:
    """Refuse to go on when the disk of `folder` has less than `needed` bytes free.

    Raises
    ------
    ResourceError
        Saying what there is, what `purpose` needs, and where.
    """
    existing = next(path for path in [folder.absolute(), *folder.absolute().parents] if path.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise ResourceError(
            f"{free // MIB} MiB are free under {existing}, {purpose} needs {-(-needed // MIB)} MiB",
            "free some space, or work in a folder on another disk",
        )
