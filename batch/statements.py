"""The statements of `batch/sql/`, each a file: they read the study through `getvariable(…)` and the table `metric`."""

from collections.abc import Mapping
from importlib import resources


def query(name: str, parts: Mapping[str, str] | None = None) -> str:
    """The statement in `batch/sql/<name>.sql`, with `parts` in the place of its comments `/*: name */`."""
    statement = (resources.files("batch") / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    for part, sql in (parts or {}).items():
        statement = statement.replace(f"/*: {part} */", sql)
    return statement
