"""A study that lies outside this program: every station and command finds it by its folder."""

import json
import subprocess
from importlib import import_module
from pathlib import Path

import msgspec
import pytest

from batch.document import batch_document
from livelift.study import load_study
from local.demo import DemoPlan
from local.equality import differences
from local.servers import LocalServers
from studies.lastfm import generator as lastfm_generator
from tests.studies.test_studies import FOLDER, STUDIES
from tests.support.command_line import LIVELIFT
from tests.support.live_run import live_run
from tests.unit.test_study_folders import copy_of_lastfm


def test_a_copy_of_lastfm_elsewhere_has_its_verdict(servers: LocalServers, folder: Path, tmp_path: Path) -> None:
    study = load_study(str(copy_of_lastfm(tmp_path)))
    data = tmp_path / "log.tsv"
    lastfm_generator.generate(data, events=20_000, users=100, lift=0.0, seed=2, study=study)

    batch = subprocess.run(
        [LIVELIFT, "batch", "--study", "./mine", "--data", data, "--json"],
        cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    document = json.loads(batch.stdout)
    assert document["study"] == "mine"
    lastfm = msgspec.structs.replace(load_study("lastfm"), simulated=None)  # its error rates are not those of a copy
    of_lastfm, _ = batch_document(data, lastfm)
    assert list(differences(document | {"study": "lastfm"}, of_lastfm)) == []

    assert list(differences(live_run(servers, folder, DemoPlan(study, data)), document)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_studies_of_other_people_s_files_have_their_verdicts(
    name: str, servers: LocalServers, folder: Path, tmp_path: Path
) -> None:
    study = load_study(str(FOLDER / name))
    data = tmp_path / "input"
    import_module(f"tests.studies.{name}.make").main(data)
    document, _ = batch_document(data, study)
    assert document.decision == "ship"
    assert list(differences(live_run(servers, folder, DemoPlan(study, data)), document)) == []
