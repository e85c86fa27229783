"""Which file to replay: the one that was named, the one under data/raw/, or a generated one."""

from collections.abc import Callable
from pathlib import Path

from livelift.errors import InputError
from livelift.source import Source
from livelift.study import Study
from local.disk import require_free_space
from local.run_folder import RunFolder
from producer.sample_data import find_or_generate
from producer.sources.finding import files_of, find, require_file
from producer.sources.input_file import text_bytes

RAW = Path("data/raw")

KAFKA_SHARE = 1.0
"""Disk that a replay takes in Kafka per byte of text: measured 0.6 (events with lz4, outputs, state), with some room."""


def require_room(data: Path, source: Source, kafka: Path) -> None:
    """Is there room for the replay of `data` in the broker's folder? The cache asks for its own.

    Raises
    ------
    ResourceError
        Saying what is needed and what is free.
    """
    require_free_space(kafka, int(text_bytes(files_of(data, source)) * KAFKA_SHARE), f"the replay of {data}")


def find_input(named: Path | None, study: Study, folder: RunFolder, say: Callable[[str], None]) -> Path:
    """The file to replay, or of a study that reads several the folder of them; says on which grounds.

    Raises
    ------
    InputError
        If the named file is not there, or is a pipe.
    """
    if named is not None:
        if named.is_dir() and study.source.several:
            return find(named, study)
        if named.exists() and not named.is_dir():
            require_file(named)
        if not named.is_file():
            raise InputError(
                f"{named} is {'a directory' if named.is_dir() else 'not there'}",
                "name the file with --data; all files of a folder are read where [source] has several = true"
                if named.is_dir()
                else "name the file with --data, or put it under data/raw/",
            )
        return named
    return find_or_generate(RAW, study, folder.generated, say)
