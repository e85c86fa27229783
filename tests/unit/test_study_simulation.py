"""A study's own `simulation.py`: what it gives is used, and what is wrong with it is one sentence with file and fix."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from livelift.errors import StudyError
from livelift.simulation.loading import simulation_digest, simulation_of
from livelift.simulation.truth import Bar, Cell, Truth
from livelift.study import Study, load_study
from stats.simulate.bars import bars_of, cells, judge, judge_all
from stats.simulate.population import GENERAL, population
from stats.simulate.report import simulate

ROOT = Path(__file__).parents[2]
GOOD = """
import numpy as np
from livelift.simulation.model import Regime, Sessions, Simulation
from livelift.simulation.truth import Bar, Cell, Truth

def draw(random, users, study):
    user = np.repeat(np.arange(users), 6)
    start = random.integers(0, study.experiment.days * 86_400_000, user.size)
    size = np.exp(0.5 * random.standard_normal(users))[user]
    measures = {"seconds": 100.0 * size, "orders": 1 + random.poisson(size), "revenue": 5000.0 * size}
    pre = np.full(users, 2)
    return Sessions(user, start, measures, pre, {"seconds": 300 * pre})

def twice(random, sessions, treated, lift):
    return sessions

def simulation(study):
    return Simulation({"usual": Regime(draw)})
"""


def shop(tmp_path: Path, simulation: str | None) -> Study:
    folder = tmp_path / "shop"
    shutil.copytree(ROOT / "tests" / "support" / "shop", folder)
    if simulation is not None:
        (folder / "simulation.py").write_text(simulation)
    return load_study(str(folder))


def test_a_studys_own_users_are_simulated(tmp_path: Path) -> None:
    study = shop(tmp_path, GOOD)
    assert list(population(study).regimes) == ["usual"]
    assert simulate(study, "usual", 2, Truth(0.4), users=300)["readings"]["deciding_ship"]["rejections"] == 2
    assert simulate(study, "usual", 11, users=120, jobs=2) == simulate(study, "usual", 11, users=120)


def test_a_study_without_one_has_a_general_population(tmp_path: Path) -> None:
    study = shop(tmp_path, None)
    assert simulation_of(study) is None and simulation_digest(study) == ""
    assert population(study) is GENERAL


def test_another_simulation_is_another_digest_and_the_same_run(tmp_path: Path) -> None:
    study = shop(tmp_path, GOOD)
    before = simulation_digest(study)
    (Path(study.folder) / "simulation.py").write_text(GOOD + "\n# changed\n")
    assert simulation_digest(study) != before != ""
    assert load_study(study.folder).fingerprint == study.fingerprint


def test_a_simulation_may_be_a_folder(tmp_path: Path) -> None:
    study = shop(tmp_path, None)
    folder = Path(study.folder) / "simulation"
    folder.mkdir()
    (folder / "__init__.py").write_text(GOOD)
    assert list(population(study).regimes) == ["usual"]
    before = simulation_digest(study)
    (folder / "more.py").write_text("")
    assert simulation_digest(study) != before


def test_the_simulation_of_the_docs_page_works(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "12-studies.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```py\n(import numpy.*?)```", page, re.DOTALL)
    study = shop(tmp_path, shown)
    bars = bars_of(study, population(study))
    assert [bar.words for bar in bars][-1] == "+20 % found" and len(bars) == 7
    outcomes = {cell: simulate(study, cell.regime, 8, cell.truth) for cell in cells(bars)}
    assert all(judged.passed for judged in judge_all(bars, outcomes, chance=0.001))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("import numpy as np", "import nampy", r"cannot be loaded.*nampy.*line 2"),
        ("def simulation(study):", "def other(study):", "`simulation` is no function"),
        ('Simulation({"usual": Regime(draw)})', "None", "gives no livelift.simulation.model.Simulation"),
        ('{"usual": Regime(draw)}', "{}", "there is no regime"),
        ("Regime(draw)}", 'Regime(draw)}, {"revenue": twice}', "effect is called 'revenue', which is no metric"),
        ("Regime(draw)", "Regime(draw, users=(9, 3))", "from 9 to 3 users"),
        ("Regime(draw)", "Regime(draw, days=0)", "has 0 days"),
        ("Regime(draw)", "Regime(draw, fewer=0)", "fewer = 0"),
        ("Regime(draw)}", 'Regime(draw)}, cells=(Cell("calm"),)', "the regime 'calm', which is none"),
        ("Regime(draw)}", 'Regime(draw)}, cells=("usual",)', "a cell is 'usual'"),
        ("Regime(draw)}", 'Regime(draw)}, bars=("usual",)', "a bar is 'usual', no livelift"),
        (
            "Regime(draw)}",
            'Regime(draw)}, cells=(Cell("usual", Truth(others=(("revenue", 1.0),))),)',
            "plants a lift of 'revenue', which is no metric",
        ),
        ("Regime(draw)", "Regime(None)", "`regime 'usual'` is no function"),
        ("return Simulation", "return 1 / 0, Simulation", r"simulation failed: ZeroDivisionError.*line 18"),
        ("    size =", "    size = 1 / 0 *", r"regime 'usual' failed: ZeroDivisionError.*line 9"),
        ("return Sessions(", "return (", "gives no livelift.simulation.model.Sessions"),
        ("Sessions(user,", "Sessions(user + 1,", r"`user` from 1 to 100: it has to be from 0 to below 100"),
        ("Sessions(user,", "Sessions(user * 1.0,", "`user` that is no array of 600 whole numbers"),
        ("Sessions(user, start", "Sessions(user, start - 10**9", "`start` from -"),
        ("Sessions(user, start", "Sessions(user, start + 86_400_000 * 13", "to below 1209600000"),
        ("Sessions(user, start", "Sessions(user, start[:7]", "`start` that is no array of 600"),
        ("measures, pre, {", "measures, pre[:9], {", "`pre_sessions` that is no array of 100"),
        ("300 * pre", "(300 * pre)[:9]", r"`pre_measures\['seconds'\]` that is no array of 100"),
        ('{"usual": Regime(draw)}', '["usual"]', "have to be tables by name"),
        ("Regime(draw)", "draw", "regime 'usual' is <function draw.*no livelift"),
        ('"revenue": 5000.0 * size', '"profit": 5000.0 * size', "does not say what 'revenue' is; it gives"),
        ("5000.0 * size", "5000.0 * size[:3]", "has no number of 'revenue' for each of its 600 sessions"),
        ("5000.0 * size", "size * np.nan", "'revenue' is no finite number"),
        ("5000.0 * size", "size.astype(str)", "has no number of 'revenue'"),
        ("100.0 * size", "-size", "a session of less than 0 seconds"),
        ("5000.0 * size", "5e9 * size", "too large to be squared"),
    ],
)
def test_what_is_wrong_with_a_simulation_is_said(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in GOOD
    study = shop(tmp_path, GOOD.replace(old, new))
    with pytest.raises(StudyError, match=f"(?s){words}") as error:
        simulate(study, "usual", 1, users=100)
    assert error.value.fix
    assert "simulation.py" in error.value.what or "squared" in words


def test_a_missing_pre_period_of_a_covariate_is_said(tmp_path: Path) -> None:
    folder = shop(tmp_path, GOOD.replace('{"seconds": 300 * pre}', "{}")).folder
    assert simulate(load_study(folder), "usual", 1, users=100)["experiments"] == 1, "no metric is adjusted by lengths"
    text = (Path(folder) / "study.toml").read_text()
    metric = '[metrics.length]\nnumerator = "seconds"\ndenominator = "sessions"\ntitle = "L"\nunit = "s"\nhigher_is_better = true\n\n'
    (Path(folder) / "study.toml").write_text(text.replace("[decision]", metric + "[decision]"))
    with pytest.raises(StudyError, match="'length' is adjusted by 'seconds' of the pre-period"):
        simulate(load_study(folder), "usual", 1, users=100)


def test_an_effect_that_fails_is_said(tmp_path: Path) -> None:
    wrong = GOOD.replace("return sessions", "return None").replace(
        "Regime(draw)}", 'Regime(draw)}, {"sessions_per_user": twice}'
    )
    study = shop(tmp_path, wrong)
    with pytest.raises(StudyError, match="effect 'sessions_per_user' gives no livelift"):
        simulate(study, "usual", 1, Truth(others=(("sessions_per_user", 0.1),)), users=100)


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (("power",), r"\('power',\), which there is not"),
        ((), "which there is not"),
        (("relative", "deciding_ship"), "which there is not"),
        (("share", "deciding_shop"), "'share' of 'deciding_shop', which the simulation does not tell"),
        (("decided", "shipped"), "'decided' of 'shipped'"),
    ],
)
def test_a_bar_of_an_unknown_figure_is_said(figure: tuple[str, ...], words: str) -> None:
    outcome = {
        "experiments": 9, "readings": {"deciding_ship": {"rejections": 0}}, "decisions": {"ship": 0},
    }  # fmt: skip
    with pytest.raises(StudyError, match=words):
        judge(Bar("found", Cell("usual"), figure, 0.5), outcome)


def shop_with_measures_of_its_own(tmp_path: Path) -> str:
    """The folder of a shop whose measures are in a study.py."""
    folder = shop(tmp_path, None).folder
    text = (Path(folder) / "study.toml").read_text()
    (Path(folder) / "study.toml").write_text(re.sub(r"\[measures\].*?\n\n", "", text, flags=re.DOTALL))
    (Path(folder) / "study.py").write_text(
        "from livelift.compiled_measures import CompiledMeasures\n"
        "from livelift.measures import Measure\n"
        "def measures(study):\n"
        '    return CompiledMeasures(study.fields, {"seconds": Measure(length="session"), "revenue": Measure(sum="cents")})\n'
    )
    return folder


def test_a_study_that_declares_no_measures_needs_a_simulation(tmp_path: Path) -> None:
    folder = shop_with_measures_of_its_own(tmp_path)
    study = load_study(folder)
    with pytest.raises(StudyError, match="does not declare its measures"):
        simulate(study, "stationary", 1)
    (Path(folder) / "simulation.py").write_text(GOOD)
    found = simulate(study, "usual", 1, users=200)
    assert found["experiments"] == 1 and np.isfinite(found["typical_error"])


def test_a_total_that_nobody_makes_is_said(tmp_path: Path) -> None:
    folder = shop_with_measures_of_its_own(tmp_path)
    (Path(folder) / "simulation.py").write_text(GOOD.replace('"revenue"', '"profit"'))
    with pytest.raises(StudyError, match="asks for 'revenue', which its simulation does not make"):
        simulate(load_study(folder), "usual", 1, users=200)
