"""A compressed listening log is the same listening log."""

import gzip
import tarfile
from pathlib import Path

import pytest

from livelift.study import load_study
from producer.prepare import prepare
from studies.lastfm import generator as lastfm_generator

STUDY = load_study("lastfm")


@pytest.mark.parametrize("kind", ["gz", "tar.gz"])
def test_gzip_and_tar_are_read_as_the_file_in_them(kind: str, tmp_path: Path) -> None:
    plain = tmp_path / "userid-timestamp-artid-artname-traid-traname.tsv"
    lastfm_generator.generate(plain, events=2_000, users=5, seed=1, study=STUDY)
    packed = tmp_path / f"log.{kind}"
    if kind == "gz":
        packed.write_bytes(gzip.compress(plain.read_bytes()))
    else:
        with tarfile.open(packed, "w:gz") as archive:
            archive.add(plain, arcname=f"lastfm-dataset-1K/{plain.name}")
    expected = prepare(STUDY, plain, tmp_path / "cache")
    found = prepare(STUDY, packed, tmp_path / "cache")
    assert found.manifest == expected.manifest
    assert found.events.read_bytes() == expected.events.read_bytes()
