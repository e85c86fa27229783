"""A replay that needs more disk space than is free is refused before it starts."""

import gzip
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from livelift.errors import ResourceError
from livelift.study import load_study
from local.input import require_room

STUDY = load_study("lastfm")


def test_too_little_room_for_the_replay_is_refused_with_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has both sizes: what is free and what is needed."""
    data = tmp_path / "log.tsv"
    data.write_bytes(b"x" * (3 << 20))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    with pytest.raises(ResourceError, match=r"1 MiB are free .* needs 3 MiB"):
        require_room(data, STUDY.source, tmp_path)


def test_a_compressed_log_needs_room_for_its_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "log.tsv.gz"
    data.write_bytes(gzip.compress(b"").ljust(1 << 20, b"x"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=4 << 20))
    with pytest.raises(ResourceError):
        require_room(data, STUDY.source, tmp_path)
