"""Provides Kafka's class path without Maven: downloads the jars of `kafka_jars.lock` once and verifies them at every
start.

They lie in the user's cache folder (`$XDG_CACHE_HOME/livelift/jars`, else `~/.cache/livelift/jars`), not under
`.livelift/`: `livelift reset` must not cost 45 MB of download, and every checkout and test folder shares them.

`python -m local.kafka_jars` prints the lock anew for the versions below.
"""

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jgo.config import GlobalSettings
from jgo.constants import MAVEN_CENTRAL_URL
from jgo.maven import Artifact, MavenContext

from livelift.errors import ResourceError

KAFKA = "org.apache.kafka:kafka_2.13:4.4.0"
# What Kafka logs through: its published module leaves the choice of a back end open, and without one it says nothing.
LOGGING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.5"

_LOCK = Path(__file__).with_name("kafka_jars.lock")

# (coordinates "group:artifact:version", an empty folder to work in) → the jars, in the order of the coordinates
Download = Callable[[Sequence[str], Path], list[Path]]


Say = Callable[[str], None]


def _on_standard_error(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def default_folder() -> Path:
    """Where the jars are kept."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "livelift" / "jars"


def download_by_jgo(coordinates: Sequence[str], workplace: Path) -> list[Path]:
    """Fetch each jar, several at a time, into a Maven layout under `workplace`."""
    context = _maven(workplace)

    def fetch(coordinate: str) -> Path:
        return context.create_dependency(coordinate).artifact.resolve()

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(fetch, coordinates))


def class_path(
    folder: Path | None = None, *, lock: Path = _LOCK, download: Download = download_by_jgo, say: Say | None = None
) -> str:
    """The value of Java's `-cp`.

    A jar counts as cached only while its bytes have the SHA-256 of the lock (0.05 s for all), and it gets its name only
    then: a download that broke off, here or in another process, is never taken for a jar.

    Parameters
    ----------
    folder
        Cache; `default_folder()` if not given.
    say
        Told before anything is fetched, since that takes a while; standard error if not given.

    Raises
    ------
    ResourceError
        If a jar is missing and cannot be fetched, or is not the locked one.
    """
    folder = folder or default_folder()
    wanted = {folder / _file_name(coordinate): (coordinate, digest) for coordinate, digest in _read_lock(lock)}
    missing = [path for path, (_, digest) in wanted.items() if not path.exists() or _digest(path) != digest]
    if missing:
        (say or _on_standard_error)(
            f"fetching {len(missing)} Java libraries of Kafka into {folder} (45 MB in all, once) …"
        )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".incoming-") as workplace:
                arrived = download([wanted[path][0] for path in missing], Path(workplace))
                for path, source in zip(missing, arrived, strict=True):
                    coordinate, digest = wanted[path]
                    if _digest(source) != digest:
                        raise RuntimeError(f"{coordinate} has arrived with other bytes than local/kafka_jars.lock says")
                    source.replace(path)
        except (OSError, RuntimeError) as error:  # requests' errors are OSErrors, jgo's own are RuntimeErrors
            raise ResourceError(
                f"Kafka's {len(missing)} missing jars could not be fetched into {folder}: {error}",
                "check the network and try again; behind a mirror, name it `central` under [repositories] in "
                "~/.config/jgo.conf; another cache folder is set by XDG_CACHE_HOME",
            ) from error
    return os.pathsep.join(map(str, wanted))


def make_lock() -> str:
    """The text of `kafka_jars.lock`: Kafka with all it needs to run, resolved and fetched anew."""
    with tempfile.TemporaryDirectory() as workplace:
        context = _maven(Path(workplace))
        kafka, logging = map(context.create_dependency, (KAFKA, LOGGING))
        # Resolved together, jgo lets the versions that log4j's parent manages overrule Kafka's; what log4j's binding
        # needs is among Kafka's needs anyway.
        _, needed = context.resolver.resolve([kafka])
        parts = [kafka, logging, *(part for part in needed if part.scope in ("compile", "runtime"))]
        lines = [f"{_digest(part.artifact.resolve())}  {_coordinate(part.artifact)}\n" for part in parts]
    return "".join(sorted(lines, key=lambda line: line.split()[1]))


def _maven(repository: Path) -> MavenContext:
    repositories = {"central": MAVEN_CENTRAL_URL} | GlobalSettings.load().repositories
    return MavenContext(repo_cache=repository, remote_repos=repositories, timeout=60)


def _coordinate(artifact: Artifact) -> str:
    return f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}"


def _read_lock(lock: Path) -> list[tuple[str, str]]:
    """(coordinate, SHA-256) of each line `digest  coordinate`."""
    lines = (line.split() for line in lock.read_text().splitlines())
    return [(coordinate, digest) for digest, coordinate in lines]


def _file_name(coordinate: str) -> str:
    _, artifact, version = coordinate.split(":")
    return f"{artifact}-{version}.jar"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    print(make_lock(), end="")
