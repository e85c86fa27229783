"""The commands that the README and the pages show: the lines of their `sh` blocks, and of `console` blocks after `$`."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```(sh|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def shown_commands(page: Path) -> list[str]:
    """The page's commands in their order, without the comment behind them."""
    found = []
    for kind, block in _BLOCK.findall(page.read_text(encoding="utf-8")):
        for line in block.splitlines():
            if kind == "sh" or line.startswith("$ "):
                found.append(re.sub(r"\s+#.*$", "", line.removeprefix("$ ")))
    return [command for command in found if command]
