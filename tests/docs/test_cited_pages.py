"""Every page of documentation that code, settings or another page cites is in the repository."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
CITING = {".py", ".sql", ".lua", ".toml", ".yml", ".md", ".sh", ".ini", ""}
"""Kinds of files that cite pages; the last is that of Makefile and Dockerfile."""

CITED = re.compile(r"(?<![\w./-])((?:\.\./)*(?:[\w-]+/)*[\w.-]*\w\.md)\b")
DECISION = re.compile(r"docs/decisions/(\d{4})(?![\d-])")


def files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in listed.split("\n") if name]
    return [path for path in paths if path.suffix in CITING and path.is_file() and path != Path(__file__)]


def is_there(cited: str, citing: Path) -> bool:
    """From the repository's root, from `docs/`, beside the file that cites it, or in each folder beside it."""
    folders = (ROOT, ROOT / "docs", citing.parent, *citing.parent.glob("[0-9][0-9][0-9]_*"))
    return any((folder / cited).is_file() for folder in folders)


def test_every_page_that_a_file_cites_is_in_the_repository() -> None:
    numbered = {path.name[:4] for path in (ROOT / "docs" / "decisions").glob("*.md")}
    missing = []
    for citing in files():
        text = citing.read_text(encoding="utf-8", errors="replace")
        cited = {page for page in CITED.findall(text) if not is_there(page, citing)}
        cited |= {number for number in DECISION.findall(text) if number not in numbered}
        missing += [f"{citing.relative_to(ROOT)}: {page}" for page in sorted(cited)]
    assert missing == []


def test_a_page_that_is_not_there_is_found() -> None:
    assert CITED.findall("as `statistics.md` says, and docs/02-error-rates.md.") == [
        "statistics.md",
        "docs/02-error-rates.md",
    ]
    assert not is_there("statistics.md", ROOT / "stats" / "estimates" / "classic.py")
    assert DECISION.findall("(docs/decisions/0001), docs/decisions/0002-x.md") == ["0001"]
