"""`livelift study new` and `check`, as a person runs them on files of their own."""

import gzip
import json
import random
import subprocess
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cli.study import check
from livelift.errors import InputError, StudyError
from livelift.study import load_study
from producer.draft import write_draft
from producer.sample import sessions_of, take_sample
from producer.sources.finding import find
from tests.studies.purchases.make import main as make_purchases
from tests.studies.viewings import make
from tests.support.command_line import LIVELIFT

Row = dict[str, object]


def rows() -> list[Row]:
    """300 orders of 20 customers over 20 days; one has no price."""
    chance = random.Random(7)
    found: list[Row] = []
    for number in range(300):
        moment = datetime(2024, 3, 1) + timedelta(hours=1.6 * number, seconds=chance.randrange(600))
        found.append({"customer": f"c{chance.randrange(20)}", "at": moment, "price": round(chance.uniform(1, 90), 2), "Shop name": chance.choice("ab")})  # fmt: skip
    found[40]["price"] = "n/a"
    return found


def as_csv(file: Path) -> dict[str, object]:
    lines = [f"{row['customer']};{row['at']:%d.%m.%Y %H:%M};{row['price']};{row['Shop name']}" for row in rows()]
    file.write_text("\n".join(["customer;at;price;Shop name", *lines]) + "\n")
    return {"format": "csv", "delimiter": ";", "time_format": "%d.%m.%Y %H:%M", "columns": []}


def as_tsv_without_header(file: Path) -> dict[str, object]:
    lines = [f"{row['customer']}\t{row['at']:%Y-%m-%d %H:%M:%S}\t{row['price']}\t{row['Shop name']}" for row in rows()]
    file.write_text("\n".join(lines) + "\n")
    return {"format": "tsv", "columns": ["column_1", "column_2", "column_3", "column_4"], "user": "column_1"}


def as_json(value: Row) -> Row:
    return {"at": f"{value['at']:%Y-%m-%dT%H:%M:%SZ}", "of": {"customer": value["customer"]}, "price": value["price"], "Shop name": value["Shop name"]}  # fmt: skip


def as_json_lines(file: Path) -> dict[str, object]:
    file.write_bytes(gzip.compress("\n".join(json.dumps(as_json(row)) for row in rows()).encode()))
    return {"format": "jsonl", "user": "of.customer", "time": "at"}


def as_json_array(file: Path) -> dict[str, object]:
    file.write_text(json.dumps([as_json(row) for row in rows()], indent=2))
    return {"format": "json", "user": "of.customer"}


def as_parquet(file: Path) -> dict[str, object]:
    columns = {name: [row[name] for row in rows()] for name in rows()[0]}
    columns["price"] = [None if price == "n/a" else price for price in columns["price"]]
    pq.write_table(pa.table(columns), file)
    return {"format": "parquet", "user": "customer", "time": "at"}


@pytest.mark.parametrize("write", [as_csv, as_tsv_without_header, as_json_lines, as_json_array, as_parquet])
def test_a_draft_of_a_study_reads_its_file(write: Callable[[Path], dict[str, object]], tmp_path: Path) -> None:
    file = tmp_path / "orders.data"
    expected = write(file)
    write_draft("orders", file, tmp_path / "orders")
    study = load_study(str(tmp_path / "orders"))
    assert {key: getattr(study.source, key) for key in expected} == expected
    price = next(field for name, field in study.fields.items() if name in ("price", "column_3"))
    assert (price.type, price.decimals) == ("integer", 2)
    sample = take_sample(study, file)
    assert (sample.rows, len(sample.events), sample.complete) == (300, 299, True)
    assert list(sample.rejected) == [f"{next(iter(study.fields))}.type"]
    sessions = sessions_of(study, sample.events)
    assert sum(session.measures["events"] for session in sessions) == 299
    assert len(load_study(str(tmp_path / "orders")).metrics) == 2


def livelift(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LIVELIFT, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def test_the_check_says_what_was_understood(tmp_path: Path) -> None:
    as_csv(tmp_path / "orders.csv")
    made = livelift("study", "new", "shop", "--from", "orders.csv", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert "user from 'customer', time from 'at' as %d.%m.%Y %H:%M: 2024-03-01 to 2024-03-20" in made.stderr
    checked = livelift("study", "check", "./shop", "--data", "orders.csv", cwd=tmp_path)
    assert checked.returncode == 0, checked.stderr
    assert "300 rows (all of them), 299 acceptable, 1 rejected" in checked.stdout
    assert "1 price.type, the first in line 42" in checked.stdout
    assert "n/a" in checked.stdout
    assert "first sessions" in checked.stdout
    again = livelift("study", "new", "shop", "--from", "orders.csv", cwd=tmp_path)
    assert (again.returncode, "already" in again.stderr) == (StudyError.exit_code, True)


def test_the_check_counts_the_arms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistyped value is seen before any run."""
    as_csv(tmp_path / "orders.csv")
    write_draft("shop", tmp_path / "orders.csv", tmp_path / "shop")
    file = tmp_path / "shop" / "study.toml"
    named = '[experiment]\narm_field = "shop_name"\ncontrol_value = "a"\ntreatment_value = "B"'
    file.write_text(file.read_text().replace("[experiment]", named))
    check(str(tmp_path / "shop"), tmp_path / "orders.csv", 1_000)
    shops = Counter(row["Shop name"] for row in rows() if row["price"] != "n/a")
    words = f"{shops['a']} 'a' (control), 0 'B' (treatment); no arm: {shops['b']} 'b'"
    assert f"arms by 'shop_name', of these events: {words}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "warning"),
    [
        ("period_end = 2024-10-29", "period_end = 2024-12-01", "warning: source.before is 2024-12-01, so no event after"),
        ("period_end = 2024-10-29", "period_end = 2024-11-30", None),
        ('country = {type = "text"', 'note = {type = "text"}\nkind = {type = "text", column = "gift", default = ""}\ncountry = {type = "text"',
         "warning: field 'kind' is empty in all 4,411 events: is 'gift' its column?"),
        ('{count = "event"}', '{count = "event", where = {country = "CH"}}', "warning: measure 'orders' is 0 in all 3,079 sessions"),
        ("resolution = 10", "", "warning: metric 'revenue_per_session' is kept in units of 1/1,000,000, too fine"),
        ("resolution = 10", "resolution = 100", None),
    ],
)  # fmt: skip
def test_the_check_warns_of_what_is_hardly_meant(
    old: str, new: str, warning: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_purchases(tmp_path / "orders.csv")
    folder = tmp_path / "shop"
    folder.mkdir()
    text = Path("tests/support/shop/study.toml").read_text()
    assert text.count(old) == 1
    (folder / "study.toml").write_text(text.replace(old, new))
    check(str(folder), tmp_path / "orders.csv", 100_000)
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("warning: ")]
    assert len(said) == (warning is not None) and all(line.startswith(str(warning)) for line in said), said


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"just words\nand more\n", "has no columns"),
        (b"a,b\n1,x\n2,y\n", "no column of .* holds times"),
        (b"[1, 2]", "does not begin with an object"),
        (b"[", "does not begin with an object"),
        (b"{broken\n", "no JSON object"),
        (b"at\n2024-03-01T00:00:00Z\n", "has no columns"),
        (b"PAR1 and nothing", "cannot be read as Parquet"),
        (b"PK\x03\x04zip", "zip archive"),
    ],
)
def test_a_file_that_makes_no_study_is_refused_with_words(content: bytes, words: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    with pytest.raises(InputError, match=words):
        write_draft("mine", file, tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("name", ["log[1].csv", "a\nb.csv", "'q\" $file {x}.csv", "*.csv", "\x1b[2J.csv"])
def test_a_draft_finds_its_file_whatever_that_is_called(name: str, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    as_csv(tmp_path / "raw" / name)
    write_draft("orders", tmp_path / "raw" / name, tmp_path / "orders")
    assert find(tmp_path / "raw", load_study(str(tmp_path / "orders"))) == tmp_path / "raw" / name


@pytest.mark.parametrize("name", ["", "My study", "9lives", "class", "a/b"])
def test_a_name_that_a_study_cannot_have_is_refused(name: str, tmp_path: Path) -> None:
    as_csv(tmp_path / "orders.csv")
    with pytest.raises(StudyError, match="no name for a study"):
        write_draft(name, tmp_path / "orders.csv", tmp_path / "out")


def test_check_names_the_tables(tmp_path: Path) -> None:
    make.main(tmp_path / "viewings.json")
    study = Path("tests/studies/viewings").absolute()
    said = livelift("study", "check", study, "--data", "viewings.json", cwd=tmp_path).stdout
    assert "weekly (a row for each week and genre)" in said
    assert "all (one row)" in said
