"""The statements of `batch/sql/`, each a file: they read the study through `getvariable(…)` and the table `metric`."""

import re
from collections.abc import Mapping
from importlib import resources


def query(name: str, parts: Mapping[str, str] | None = None) -> str:
    """The statement in `batch/sql/<name>.sql`, with `parts` in the place of its comments `/*: name */`."""
    statement = (resources.files("batch") / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    put = dict(parts or {})
    return re.sub(
        r"/\*: (\w+) \*/", lambda found: put.get(found[1], found[0]), statement
    )  # what is put in is not looked into
