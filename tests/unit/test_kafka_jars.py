"""The cache of Kafka's jars is complete or repaired, and holds only bytes of the lock file."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from livelift.errors import ResourceError
from local.kafka_jars import class_path

CONTENT = {"org.first:one:1.0": b"first jar", "org.second:two:2.0": b"second jar"}


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock"
    path.write_text("".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in CONTENT.items()))
    return path


class Registry:
    """Serves `content`, and remembers what was asked for."""

    def __init__(self, content: dict[str, bytes]) -> None:
        self.content = content
        self.asked: list[str] = []

    def download(self, coordinates: Sequence[str], workplace: Path) -> list[Path]:
        self.asked += coordinates
        files = [workplace / coordinate.replace(":", "_") for coordinate in coordinates]
        for coordinate, file in zip(coordinates, files, strict=True):
            file.write_bytes(self.content[coordinate])
        return files


def unreachable(coordinates: Sequence[str], workplace: Path) -> list[Path]:
    (workplace / "half.jar").write_bytes(b"half")
    raise ConnectionError("no route")


def test_the_class_path_names_every_jar_of_the_lock_in_its_order(tmp_path: Path, lock: Path) -> None:
    path = class_path(tmp_path / "jars", lock=lock, download=Registry(CONTENT).download)
    assert path == f"{tmp_path}/jars/one-1.0.jar:{tmp_path}/jars/two-2.0.jar"
    assert [Path(jar).read_bytes() for jar in path.split(":")] == list(CONTENT.values())


def test_a_complete_cache_needs_no_network_a_fetch_is_announced(tmp_path: Path, lock: Path) -> None:
    said: list[str] = []
    first = class_path(tmp_path / "jars", lock=lock, download=Registry(CONTENT).download, say=said.append)
    assert said == [f"fetching 2 Java libraries of Kafka into {tmp_path}/jars (45 MB in all, once) …"]
    assert class_path(tmp_path / "jars", lock=lock, download=unreachable, say=said.append) == first
    assert len(said) == 1


def test_a_jar_cut_short_is_fetched_again_and_only_that(tmp_path: Path, lock: Path) -> None:
    class_path(tmp_path / "jars", lock=lock, download=Registry(CONTENT).download)
    (tmp_path / "jars" / "two-2.0.jar").write_bytes(b"secon")
    registry = Registry(CONTENT)
    class_path(tmp_path / "jars", lock=lock, download=registry.download)
    assert registry.asked == ["org.second:two:2.0"]
    assert (tmp_path / "jars" / "two-2.0.jar").read_bytes() == b"second jar"


def test_a_download_that_breaks_off_says_why_and_leaves_nothing(tmp_path: Path, lock: Path) -> None:
    with pytest.raises(ResourceError, match="no route") as failure:
        class_path(tmp_path / "jars", lock=lock, download=unreachable)
    assert "network" in failure.value.fix
    assert list((tmp_path / "jars").iterdir()) == []


def test_other_bytes_than_the_locks_are_refused_and_not_kept(tmp_path: Path, lock: Path) -> None:
    registry = Registry(CONTENT | {"org.second:two:2.0": b"tampered"})
    with pytest.raises(ResourceError, match=r"org\.second:two:2\.0 has arrived with other bytes"):
        class_path(tmp_path / "jars", lock=lock, download=registry.download)
    assert not (tmp_path / "jars" / "two-2.0.jar").exists()


def test_an_unusable_cache_folder_is_an_error_with_its_fix(tmp_path: Path, lock: Path) -> None:
    """The folder cannot be made."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError) as failure:
        class_path(tmp_path / "file" / "jars", lock=lock, download=Registry(CONTENT).download)
    assert "XDG_CACHE_HOME" in failure.value.fix
