"""Every module and package begins with a docstring whose first line says what it is for."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "livelift", "studies", "producer", "processor", "stats", "batch", "local", "cli", "exporter", "broker", "grafana", "bench",
)  # fmt: skip


def first_paragraph(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n\n")[0]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_begins_with_a_sentence(package: str) -> None:
    without = {
        str(path.relative_to(ROOT))
        for path in (ROOT / package).rglob("*.py")
        if not first_paragraph(path).rstrip().endswith((".", "?", ":"))
    }
    assert without == set()


def test_every_test_module_begins_with_a_sentence() -> None:
    without = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("*.py")
        if path.name != "__init__.py" and len(first_paragraph(path)) < 10
    }
    assert without == set()
