"""Lists the packages and modules that a module imports."""

import ast
from pathlib import Path


def imports(path: Path) -> set[str]:
    """Top-level names of everything that the module imports, wherever in it."""
    return {name.split(".")[0] for name in imported_modules(path)}


def imported_modules(path: Path) -> set[str]:
    """Dotted names of everything that the module imports, wherever in it; of `from a import b`, a and a.b."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found
