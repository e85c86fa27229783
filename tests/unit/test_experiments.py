"""Further experiments of a study: what each takes over, what is wrong with one, and by which name it is asked for."""

import os
from datetime import date
from pathlib import Path

import pytest

from batch.document import batch_document
from livelift.errors import StudyError
from livelift.experiments import split_reference
from livelift.study import Study, load_study
from livelift.study_folders import reference_to
from local.equality import differences
from tests.studies.purchases.make import main as make_purchases
from tests.support.pure_pipeline import run_pure

SHOP = Path("tests/support/shop/study.toml").resolve()

SECOND = """
[experiments.banner]
salt = "banner-2024"
title = "A banner"
period_start = 2024-10-18
minimum_sessions = 1
names = {treatment = "banner"}
decision = {primary = "sessions_per_user", minimum_lift = 0.0}

[experiments.prices]
salt = "prices-2024"
"""


def shop(folder: Path, more: str) -> Path:
    study = folder / "shop"
    study.mkdir()
    text = SHOP.read_text(encoding="utf-8")
    (study / "study.toml").write_text(text + more, encoding="utf-8")
    return study


@pytest.fixture
def banner(tmp_path: Path) -> Study:
    return load_study(f"{shop(tmp_path, SECOND)}.banner")


def test_an_experiment_is_a_study_of_its_own(banner: Study) -> None:
    own = load_study(banner.folder)
    assert (banner.name, banner.title) == ("shop.banner", "A banner")
    assert (own.name, own.experiment.salt, own.experiment.minimum_sessions) == ("shop", "checkout-2024", 3)
    assert (banner.experiment.salt, banner.experiment.minimum_sessions) == ("banner-2024", 1)
    assert (banner.experiment.period_start, banner.experiment.period_end) == (date(2024, 10, 18), date(2024, 10, 29))
    assert (banner.names.control, banner.names.treatment) == ("old checkout", "banner")
    assert (banner.decision.primary, banner.decision.alpha, banner.decision.minimum_lift) == (
        "sessions_per_user",
        0.05,
        0,
    )
    assert (banner.source, banner.fields, banner.measures, banner.metrics) == (
        own.source,
        own.fields,
        own.measures,
        own.metrics,
    )
    assert load_study(f"{own.folder}.prices").title == "A new checkout in the shop: prices"


def test_stream_and_oracle_agree_on_an_experiment(banner: Study, tmp_path: Path) -> None:
    data = tmp_path / "orders.csv"
    make_purchases(data)
    document, _ = batch_document(data, banner)
    assert document.study == "shop.banner" and document.primary == "sessions_per_user"
    assert list(differences(run_pure(data, tmp_path / "cache", banner, partitions=2, seed=5).document, document)) == []


def test_an_experiment_has_arms_of_its_own(tmp_path: Path) -> None:
    """The arms that events name are those of the study's own experiment, or of the one that says so."""
    more = (
        SECOND
        + '[experiments.named]\nsalt = "x"\narm_field = "country"\ncontrol_value = "FR"\ntreatment_value = "AT"\n'
    )
    folder = shop(tmp_path, more)
    file = folder / "study.toml"
    own = 'arm_field = "country"\ncontrol_value = "DE"\ntreatment_value = "AT"\nperiod_start'
    file.write_text(file.read_text().replace("period_start", own, 1))
    assert load_study(str(folder)).experiment.control_value == "DE"
    assert load_study(f"{folder}.banner").experiment.arm_field == ""
    assert load_study(f"{folder}.banner").experiment.can_be_drawn_again
    assert load_study(f"{folder}.named").experiment.control_value == "FR"


def test_another_process_finds_the_experiment(banner: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    at = reference_to(banner.name, banner.folder)
    assert at == f"{banner.folder}.banner"
    assert load_study(at) == banner
    monkeypatch.setenv("LIVELIFT_STUDIES", str(Path(banner.folder).parent))
    assert reference_to(banner.name, banner.folder, os.environ) == "shop.banner"
    assert load_study("shop.banner") == banner


@pytest.mark.parametrize(
    ("more", "key", "fix"),
    [
        ('[experiments.b]\nsalt = "checkout-2024"', "experiments.b.salt", "another one than that of experiment"),
        ('[experiments.b]\nsalt = "x"\n[experiments.c]\nsalt = "x"', "experiments.c.salt", "that of experiments.b"),
        ('[experiments.b]\nsalt = "x"\nperiod_start = 2025-01-01', "experiments.b.period_end", "after"),
        ('[experiments.b]\nsalt = "x"\ncontrol_percent = 10', "experiments.b.control_percent", "50"),
        ('[experiments.b]\nsalt = "x"\narm_field = "arm"', "experiments.b.arm_field", "cents, country"),
        ('[experiments.b]\nsalt = "x"\ndecision = {primary = "lift"}', "experiments.b.decision.primary", "use one of"),
        ('[experiments.b]\nsalt = "x"\ndecision = {alpha = "a"}', "experiments.b", "alpha"),
        ('[experiments.b]\nsalt = "x"\nnames = {b = "a"}', "experiments.b", "unknown field `b`"),
        ('[experiments.B]\nsalt = "x"', "experiments.B", "lower-case"),
        ('[experiments.b]\ntitle = "x"', "experiments.b", "add salt"),
        ('[experiments.b]\nsalt = "x"\nbuckets = 3', "experiments.b", "compare the key"),
    ],
)
def test_what_is_wrong_is_named_with_its_key(more: str, key: str, fix: str, tmp_path: Path) -> None:
    with pytest.raises(StudyError) as wrong:
        load_study(str(shop(tmp_path, more)))
    assert f"study.toml: key '{key}'" in str(wrong.value) and fix in str(wrong.value)


def test_an_experiment_that_is_not_there_is_said(tmp_path: Path) -> None:
    folder = shop(tmp_path, SECOND)
    with pytest.raises(StudyError) as wrong:
        load_study(f"{folder}.baner")
    assert "use one of: shop, shop.banner, shop.prices" in str(wrong.value)


def test_a_folder_with_a_dot_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "my.shop").mkdir()
    assert split_reference(str(tmp_path / "my.shop")) == (str(tmp_path / "my.shop"), "")
    assert split_reference("./nothing.here") == ("./nothing.here", "")
