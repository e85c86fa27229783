"""Installs the packages of a lock file into the environment that runs it, and shows how far it is. Standard library only.

    .venv/bin/python requirements/install.py requirements/all.lock

pip alone either says nothing for a minute or two, or prints several hundred lines. Here it is one line, redrawn in a terminal
and printed at each quarter elsewhere; where pip fails, all that it said comes out.
"""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

PIP = ("-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off", "--no-input", "--require-hashes")


def packages(lock: str) -> int:
    """How many packages a lock file names.

    >>> packages("a==1 ; sys_platform == 'linux' \\\\\\n    --hash=sha256:00\\nb==2 \\\\\\n    --hash=sha256:11\\n# c==3\\n")
    2
    """
    return sum("==" in line.split(";")[0] and not line.startswith((" ", "#")) for line in lock.splitlines())


def follow(said: Iterable[str], wanted: int, out: TextIO) -> list[str]:
    """Show pip's progress while it talks; returns what it said."""
    kept, found, quarter = [], 0, 0
    redraw = out.isatty()
    for line in said:
        kept.append(line)
        if line.startswith(("Collecting ", "Requirement already satisfied: ")):
            found += 1
            if redraw:
                out.write(f"\r  downloading: {found} of {wanted}")
            elif (now := 4 * found // max(1, wanted)) > quarter:
                quarter = now
                out.write(f"  downloading: {found} of {wanted}\n")
        elif line.startswith("Installing collected packages"):
            out.write("\n  unpacking …\n" if redraw else "  unpacking …\n")
        out.flush()
    return kept


def main(arguments: list[str]) -> int:
    """Install; pip's exit code."""
    lock = Path(arguments[0])
    wanted = packages(lock.read_text(encoding="utf-8"))
    print(
        f"Installing the {wanted} locked packages of {lock} into {Path(sys.prefix).name} (one to two minutes, once) …",
        flush=True,
    )
    command = [sys.executable, *PIP, "-r", str(lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        assert pip.stdout is not None
        said = follow(pip.stdout, wanted, sys.stdout)
    if pip.returncode:
        sys.stderr.write("".join(said))
    return pip.returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
