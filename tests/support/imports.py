"""Lists the top-level packages that a module imports."""

import ast
from pathlib import Path


def imports(path: Path) -> set[str]:
    """Top-level names of everything that the module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found
