"""One thing is wrong with a study: the whole message, which names file, key and fix."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from livelift.errors import LiveliftError
from livelift.settings import STUDIES
from livelift.study import load_study
from livelift.study_folders import study_names
from producer.sample import take_sample

SHOP = Path("tests/support/shop/study.toml").absolute()

ROWS = "customer;ordered at;amount;country;note\nK1;20.10.2024 10:00;9.99;DE;x\n"

MEASURES = """[measures]
seconds = {length = "session"}
orders = {count = "event"}
revenue = {sum = "cents"}
"""

SAYS = "docs/12-studies.md says what each is"
COMPARE = "compare the key with docs/12-studies.md"
COLUMNS = (
    "its first line names: customer, ordered at, amount, country, note\n"
    "  fix: name the columns of [source] and [fields] as the file does, or give another file with --data"
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a study in `./shop` and a file of its events."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(STUDIES, raising=False)
    write(SHOP.read_text())
    Path("orders.csv").write_text(ROWS)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("livelift_study:")]:
        del sys.modules[name]


def write(declaration: str) -> None:
    Path("shop").mkdir(exist_ok=True)
    Path("shop/study.toml").write_text(declaration)


def replace(old: str, new: str) -> None:
    text = Path("shop/study.toml").read_text()
    assert old in text
    write(text.replace(old, new))


def message(study: str = "./shop") -> str:
    """What a person reads of what is wrong."""
    with pytest.raises(LiveliftError) as refused:
        take_sample(load_study(study), Path("orders.csv"), rows=10)
    return str(refused.value)


def test_the_study_without_a_fault_is_read() -> None:
    assert take_sample(load_study("./shop"), Path("orders.csv"), rows=10).rows == 1


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('format = "csv"', 'format = "xlsx"',
         "shop/study.toml: key 'source.format': Invalid enum value 'xlsx'\n  fix: use one of: tsv, csv, jsonl, json, parquet"),
        ("Europe/Berlin", "Europe/Berln",
         "shop/study.toml: key 'source.time_zone' is wrong: 'Europe/Berln'\n  fix: use an IANA name: \"Europe/Berlin\""),
        ('denominator = "users"', 'denominator = "user"',
         "shop/study.toml: key 'metrics.sessions_per_user.denominator' names 'user', which is no measure of the study\n"
         "  fix: use one of: users, sessions, seconds, orders, revenue"),
        ('numerator = "revenue"', 'numerator = "turnover"',
         "shop/study.toml: key 'metrics.revenue_per_session.numerator' names 'turnover', which is no measure of the study\n"
         "  fix: use one of: sessions, seconds, orders, revenue"),
        ('{sum = "cents"}', '{sum = "amount"}',
         "shop/study.toml: key 'measures.revenue.sum' is wrong: 'amount'\n  fix: use one of: cents, country"),
        ('{count = "event"}', '{count = "event", where = {land = "DE"}}',
         "shop/study.toml: key 'measures.orders.where.land' is wrong: 'DE'\n  fix: use one of: cents, country"),
        ('{sum = "cents"}', '{mean = "cents"}',
         "shop/study.toml: key 'measures.revenue': Object contains unknown field `mean`\n"
         f"  fix: use one of: length, count, sum, min, max, first, last, distinct, where, follows_within; {COMPARE}"),
        ('{type = "integer", column', '{type = "money", column',
         "shop/study.toml: key 'fields.cents.type': Invalid enum value 'money'\n  fix: use one of: text, integer"),
        ('primary = "revenue_per_session"', 'primary = "revenue"',
         "shop/study.toml: key 'decision.primary' is wrong: 'revenue'\n  fix: use one of: revenue_per_session, sessions_per_user"),
        ('"randomised"', '"random"',
         "shop/study.toml: key 'experiment.assignment': Invalid enum value 'random'\n  fix: use one of: randomised, observed"),
        ("period_end = 2024-10-29", "period_end = 2024-10-15",
         "shop/study.toml: key 'experiment.period_end' is wrong: 2024-10-15\n  fix: it has to be after experiment.period_start"),
        ("gap_seconds = 1800", "gap = 1800",
         "shop/study.toml: key 'windows': Object contains unknown field `gap`\n"
         f"  fix: use one of: gap_seconds, allowed_lateness_seconds, kind; {COMPARE}"),
        ('salt = "checkout-2024"\n', "",
         f"shop/study.toml: key 'experiment': Object missing required field `salt`\n  fix: add salt: {SAYS}"),
        ('[names]\ncontrol = "old checkout"\ntreatment = "new checkout"\n', "",
         f"shop/study.toml: Object missing required field `names`\n  fix: add names: {SAYS}"),
        ('alpha = 0.05\nguardrail_margin = 0.01\n', "",
         "shop/study.toml: key 'decision': Object missing required field `alpha`\n"
         f"  fix: add alpha, guardrail_margin: {SAYS}"),
        ("[health]", "[wellness]",
         "shop/study.toml: Object contains unknown field `wellness`\n"
         "  fix: use one of: schema, name, title, source, windows, experiment, names, decision, statistics, health, metrics, fields, "
         f"lookups, measures, simulated, experiments, tables, users, segments, user_tables, churn; {COMPARE}"),
        ('name = "shop"', 'name = "lastfm"',
         "shop/study.toml: key 'name' is 'lastfm', but the study's folder is called 'shop'\n"
         '  fix: write name = "shop": two studies of one name would share topics and keys'),
        ("[names]", "[names",
         "shop/study.toml: not valid TOML: Expected ']' at the end of a table declaration (at line 40, column 7)\n"
         "  fix: mend the line that the message names"),
        ('user = "customer"', 'user = "client"', f"orders.csv has no column 'client'; {COLUMNS}"),
        ('time = "ordered at"', 'time = "when"', f"orders.csv has no column 'when'; {COLUMNS}"),
        ('column = "amount"', 'column = "price"', f"orders.csv has no column 'price'; {COLUMNS}"),
        ("country = {", "land = {", f"orders.csv has no column 'land'; {COLUMNS}"),
        (MEASURES, "",
         "study 'shop' has no [measures], and shop/study.py is not there\n"
         "  fix: declare [measures] (docs/12-studies.md), or write a `measures(study)` that gives a SessionMeasures"),
    ],
)  # fmt: skip
def test_a_wrong_declaration_is_one_sentence(old: str, new: str, expected: str) -> None:
    replace(old, new)
    assert message() == expected


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("import no_such_module\n",
         "shop/study.py cannot be loaded: ModuleNotFoundError: No module named 'no_such_module' (line 1)\n  fix: mend the file"),
        ("measure = 1\n",
         "study 'shop' has no [measures], and shop/study.py no function `measures`\n"
         "  fix: declare [measures] (docs/12-studies.md), or write a `measures(study)` that gives a SessionMeasures"),
    ],
)  # fmt: skip
def test_a_wrong_module_is_one_sentence(module: str, expected: str) -> None:
    replace(MEASURES, "")
    Path("shop/study.py").write_text(module)
    assert message() == expected


def test_a_study_that_is_not_there_is_one_sentence(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ", ".join(study_names())
    assert message("nope") == (
        f"there is no study 'nope'\n  fix: use one of: {names}; or set LIVELIFT_STUDIES to the folder that holds it"
    )
    assert (
        message("shop")
        == f"there is no study 'shop'\n  fix: for the folder here write ./shop; by name there are: {names}"
    )
    assert message("./nope") == (
        f"there is no folder {here}/nope\n  fix: name a folder that holds a study.toml, or use a study by its name: {names}"
    )
    assert (
        message("./orders.csv") == f"{here}/orders.csv is a file, not a study's folder\n  fix: name its folder: {here}"
    )
    monkeypatch.setenv(STUDIES, f"{here}:/nowhere/at/all")
    assert message("shop") == (
        "LIVELIFT_STUDIES lists '/nowhere/at/all', which is no folder\n"
        "  fix: list folders that hold studies, with ':' between them"
    )
