"""Installs the packages of a lock file into the environment that runs it. Standard library only.

    .venv/bin/python requirements/install.py requirements/all.lock

By uv, itself from a lock (installer.lock), in seconds; where that fails, or pip has settings that uv does not know, by pip in
one or two minutes. Both check every hash. pip alone either says nothing for all that time, or prints several hundred lines:
here it is one line, redrawn in a terminal and printed at each quarter elsewhere; where it fails, all that it said comes out.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

PIP = ("-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off", "--no-input", "--require-hashes")
UV = ("-m", "uv", "pip", "install", "--quiet", "--compile-bytecode", "--require-hashes", "--python", sys.executable)
INSTALLER = Path(__file__).with_name("installer.lock")

SAME_IN_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "cert": "SSL_CERT_FILE",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
}
"""pip's settings of where packages come from → uv's variables."""

ONLY_IN_PIP = {"trusted-host", "client-cert", "proxy", "only-binary", "no-binary", "constraint"}
"""Settings with which pip alone does what was meant."""

TICK_SECONDS = 1.0


def packages(lock: str) -> int:
    """How many packages a lock file names.

    >>> packages("a==1 ; sys_platform == 'linux' \\\\\\n    --hash=sha256:00\\nb==2 \\\\\\n    --hash=sha256:11\\n# c==3\\n")
    2
    """
    return sum("==" in line.split(";")[0] and not line.startswith((" ", "#")) for line in lock.splitlines())


def uv_settings(pip_config: str) -> dict[str, str] | None:
    """What uv's environment has to say for it to do as pip's settings (`pip config list`) say; None where it cannot.

    >>> uv_settings("global.index-url='https://a/simple'\\n:env:.retries='9'"), uv_settings("global.proxy='b:1'")
    ({'UV_DEFAULT_INDEX': 'https://a/simple'}, None)
    """
    found = {}
    for line in sorted(filter(_precedence, pip_config.splitlines()), key=_precedence):
        name, _, value = line.partition("=")
        key = name.rpartition(".")[2]
        if key in ONLY_IN_PIP:
            return None
        if key in SAME_IN_UV:
            several = value.strip("'\"").replace("\\n", " ").split()
            found[SAME_IN_UV[key]] = ("," if key == "find-links" else " ").join(several)
    return found


def _precedence(line: str) -> int:
    """Of several settings of one name `pip install` takes that of the environment, then its own, then the global one; 0 is none
    that it reads."""
    return next((n for n, of in enumerate(("global.", "install.", ":env:"), 1) if line.startswith(of)), 0)


def by_uv(lock: Path, out: TextIO) -> bool:
    """Install with uv; False, with a line that says why, where that is not possible."""
    config = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True)
    settings = uv_settings(config.stdout)
    if settings is None:
        return False
    began = time.monotonic()
    of_uv = [*PIP, "--quiet", "--only-binary=:all:", "-r", str(INSTALLER)]  # to build it would take an hour
    for command in (of_uv, [*UV, "-r", str(lock)]):
        with subprocess.Popen(
            [sys.executable, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**settings, **os.environ},
        ) as child:
            said = _wait(child, began, out)
        if child.returncode:
            out.write(f"\n  uv did not install them, now by pip; it said:\n{said}")
            out.flush()
            return False
    redraw = "\r" if out.isatty() else ""
    out.write(f"{redraw}  installed in {time.monotonic() - began:.0f} s\n")
    return True


def _wait(child: "subprocess.Popen[str]", began: float, out: TextIO) -> str:
    """What a child said until its end; in a terminal the seconds are shown meanwhile."""
    while True:
        try:
            return child.communicate(timeout=TICK_SECONDS)[0]
        except subprocess.TimeoutExpired:
            if out.isatty():
                out.write(f"\r  {time.monotonic() - began:.0f} s ")
                out.flush()


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


def by_pip(lock: Path, wanted: int, out: TextIO) -> int:
    """Install with pip; its exit code."""
    command = [sys.executable, *PIP, "-r", str(lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        assert pip.stdout is not None
        said = follow(pip.stdout, wanted, out)
    if pip.returncode:
        sys.stderr.write("".join(said))
    return pip.returncode


def main(arguments: list[str]) -> int:
    """Install; 0, or pip's exit code."""
    lock = Path(arguments[0])
    wanted = packages(lock.read_text(encoding="utf-8"))
    print(f"Installing the {wanted} locked packages of {lock} into {Path(sys.prefix).name} …", flush=True)
    return 0 if by_uv(lock, sys.stdout) else by_pip(lock, wanted, sys.stdout)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
