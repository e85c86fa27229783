"""A base is exactly what was committed, with the packages that it has locked; what cannot be measured is said."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.checkout import ROOT, commit_of, environment, export, today
from livelift.errors import LiveliftError, ResourceError, SettingsError

OTHER_LOCK = "# nothing\n"


def git(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A Person", "-c", "user.email=person@example.org")
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    command = ["git", "-C", str(root), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=clean).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits: one without a bench, one with."""
    root = tmp_path / "repository"
    (root / "requirements").mkdir(parents=True)
    (root / "requirements" / "all.lock").write_text("a==1\n")
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Begin")
    (root / "bench").mkdir()
    (root / "bench" / "__main__.py").write_text("print('as committed')\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Measure")
    return root


def said(repository: Path, name: str, kind: type[LiveliftError]) -> str:
    with pytest.raises(kind) as error:
        commit_of(name, repository)
    assert error.value.fix
    return error.value.what


def test_a_commit_is_found_by_any_of_its_names(repository: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    git(repository, "tag", "v1")
    git(repository, "tag", "--annotate", "v2", "--message", "annotated")
    assert {commit_of(name, repository) for name in ("HEAD", commit, commit[:7], "v1", "v2")} == {commit}


@pytest.mark.parametrize("name", ["0123abc", "no-such-branch", "", "--all", "HEAD:bench", "HEAD~5", "a b"])
def test_an_unknown_commit_is_one_sentence(name: str, repository: Path) -> None:
    assert said(repository, name, SettingsError) == f"there is no commit '{name}' in {repository}"


def test_a_commit_from_before_the_bench_is_refused(repository: Path) -> None:
    assert "has no bench/__main__.py: nothing to measure it with" in said(repository, "HEAD~1", SettingsError)


def test_files_without_a_history_have_no_base(tmp_path: Path) -> None:
    assert "has no git history to take a base from" in said(tmp_path, "HEAD", ResourceError)


def test_files_unpacked_in_another_repository_have_no_base(repository: Path) -> None:
    """Its commits are not theirs."""
    inside = repository / "unpacked"
    inside.mkdir()
    assert said(inside, "HEAD", ResourceError).endswith("it lies in another repository")


def test_without_git_the_program_is_named(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repository))
    assert "there is no program git" in said(repository, "HEAD", ResourceError)


def test_the_repository_of_a_git_hook_is_not_taken(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a hook git sets GIT_DIR, which is stronger than the folder."""
    monkeypatch.setenv("GIT_DIR", str(ROOT / ".git"))
    assert commit_of("HEAD", repository) == git(repository, "rev-parse", "HEAD")


def test_a_changed_working_tree_does_not_change_the_base(repository: Path, tmp_path: Path) -> None:
    (repository / "bench" / "__main__.py").write_text("print('changed')\n")
    (repository / "new.py").write_text("")
    base = export(commit_of("HEAD", repository), tmp_path / "base", print, repository)
    assert (base.root / "bench" / "__main__.py").read_text() == "print('as committed')\n"
    assert not (base.root / "new.py").exists()
    assert base.what.endswith(" as committed")
    assert [*(base.root / "bench" / "__pycache__").glob("*.pyc")]  # its first start is as quick as its second


def test_what_is_measured_as_today_tells_of_its_changes(repository: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD")[:7]
    assert today(repository).what == f"{commit} as committed"
    (repository / "new.py").write_text("")
    assert today(repository).what == f"{commit} with uncommitted changes in 1 file"
    (repository / "bench" / "__main__.py").write_text("")
    assert today(repository).what == f"{commit} with uncommitted changes in 2 files"


def test_the_same_lock_needs_no_second_environment(repository: Path, tmp_path: Path) -> None:
    lock = tmp_path / "all.lock"
    lock.write_text("a==1\n")
    assert environment(lock, print, repository, tmp_path / "cache") == Path(sys.executable)
    assert not (tmp_path / "cache").exists()


@pytest.mark.slow
def test_another_lock_has_an_environment_which_is_kept(repository: Path, tmp_path: Path) -> None:
    told: list[str] = []
    lock = tmp_path / "all.lock"
    lock.write_text(OTHER_LOCK)
    python = environment(lock, told.append, repository, tmp_path / "cache")
    prefix = subprocess.run([python, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=True)
    assert prefix.stdout.strip() == str(python.parents[1]) != sys.prefix
    assert environment(lock, told.append, repository, tmp_path / "cache") == python
    assert len(told) == 1


@pytest.mark.slow
def test_a_failed_installation_is_an_error_each_time(
    repository: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """An environment that is half made is not taken for a complete one."""
    lock = tmp_path / "all.lock"
    lock.write_text("this is no requirement\n")
    for _ in range(2):
        with pytest.raises(ResourceError, match="cannot be installed"):
            environment(lock, print, repository, tmp_path / "cache")
        assert "Invalid requirement" in capfd.readouterr().err
