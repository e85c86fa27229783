"""A first install says what it does, how far it is, and everything where it fails."""

import importlib.util
import io
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("installer", ROOT / "requirements" / "install.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_packages_of_a_lock_are_counted(installer: ModuleType) -> None:
    assert installer.packages("a==1 ; x == 'y' \\\n    --hash=sha256:00\nb==2 \\\n    --hash=sha256:11\n# c==3\n") == 2
    assert installer.packages((ROOT / "requirements" / "all.lock").read_text()) > 50


def test_progress_is_a_line_a_quarter_or_one_that_is_redrawn(installer: ModuleType) -> None:
    said = [*(f"Collecting p{n}\n" for n in range(8)), "  Downloading p\n", "Installing collected packages: p0\n"]
    out, terminal = io.StringIO(), Terminal()
    assert installer.follow(said, 8, out) == said
    assert out.getvalue().splitlines() == [*(f"  downloading: {n} of 8" for n in (2, 4, 6, 8)), "  unpacking …"]
    installer.follow(said, 8, terminal)
    assert terminal.getvalue().count("\r") == 8 and terminal.getvalue().endswith("8 of 8\n  unpacking …\n")


def test_a_failed_install_gives_all_that_pip_said_and_its_code(tmp_path: Path) -> None:
    """A lock whose hash is of nothing: pip refuses before it asks anybody."""
    (tmp_path / "bad.lock").write_text("livelift-none==1 \\\n    --hash=md5:00\n")
    ran = subprocess.run(
        [sys.executable, ROOT / "requirements" / "install.py", tmp_path / "bad.lock"],
        capture_output=True,
        text=True,
        env={**os.environ, "PIP_NO_INDEX": "1"},
    )
    assert ran.returncode != 0
    assert "Installing the 1 locked packages" in ran.stdout and "livelift-none" in ran.stderr


def test_uv_is_given_where_pip_looks_for_packages(installer: ModuleType) -> None:
    config = "\n".join(
        [
            ":env:.index-url='https://env/simple'",
            "global.cert='/etc/certs.pem'",
            "global.extra-index-url='\\nhttps://b/simple\\nhttps://c/simple'",
            "global.find-links='/a\\n/b'",
            "global.index-url='https://global/simple'",
            "global.timeout='180'",
            "wheel.index-url='https://other/simple'",
        ]
    )
    assert installer.uv_settings(config) == {
        "UV_DEFAULT_INDEX": "https://env/simple",
        "UV_INDEX": "https://b/simple https://c/simple",
        "UV_FIND_LINKS": "/a,/b",
        "SSL_CERT_FILE": "/etc/certs.pem",
        "UV_HTTP_TIMEOUT": "180",
    }
    assert installer.uv_settings(config + "\nglobal.trusted-host='b'") is None


def test_where_uv_fails_a_line_says_why_and_pip_installs(
    installer: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installer, "INSTALLER", tmp_path / "installer.lock")
    (tmp_path / "installer.lock").write_text("livelift-none==1 \\\n    --hash=md5:00\n")
    out = io.StringIO()
    assert not installer.by_uv(tmp_path / "any.lock", out)
    assert "uv did not install them, now by pip; it said:" in out.getvalue() and "livelift-none" in out.getvalue()


@pytest.mark.parametrize("command", [[], ["demo"], ["verdict"], ["up"], ["rejects"], ["simulate"]])
def test_h_is_help_in_every_command(command: list[str]) -> None:
    shown = [
        subprocess.run([Path(sys.executable).with_name("livelift"), *command, flag], capture_output=True, text=True)
        for flag in ("-h", "--help")
    ]
    assert shown[0].returncode == 0 and shown[0].stdout == shown[1].stdout and "Usage" in shown[0].stdout
