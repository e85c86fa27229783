"""The pre-commit hooks use tools of this environment only, and each finds what it is for."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
HOOKS: list[dict[str, Any]] = [
    {**hook, "repo": repo["repo"]}
    for repo in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    for hook in repo["hooks"]
]


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def test_hooks_use_programs_of_the_lock_only() -> None:
    locked = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements" / "all.lock").read_text(), re.MULTILINE))
    programs = {hook["entry"].split()[0] for hook in HOOKS}
    assert {hook["repo"] for hook in HOOKS} == {"local"}
    assert {program for program in programs if program.removeprefix(".venv/bin/") not in locked} == set()


def test_the_hooks_pass_on_a_file_of_ours(tmp_path: Path) -> None:
    skipped = "house-rules"  # its tests run anyway
    pre_commit = (ROOT / ".venv/bin/pre-commit", "run", "--files", "livelift/event_time.py")
    ended = run(*pre_commit, PRE_COMMIT_HOME=str(tmp_path), SKIP=skipped)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("Passed") == len([hook for hook in HOOKS if hook["id"] != skipped])


@pytest.mark.parametrize(
    ("hook", "text"),
    [
        ("ruff-check", "import os\n\n\ndef f():\n    return undefined\n"),
        ("ruff-format --check", "x = {  'a':1 }\n"),
        ("codespell", "# It is teh same.\n"),  # codespell:ignore
    ],
)
def test_a_hook_finds_what_it_is_for(tmp_path: Path, hook: str, text: str) -> None:
    identity, *flags = hook.split()
    [entry] = [each["entry"] for each in HOOKS if each["id"] == identity]
    planted = tmp_path / "planted.py"
    planted.write_text(text, encoding="utf-8")
    assert run(*entry.split(), *flags, planted).returncode != 0
