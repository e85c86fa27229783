"""Too little free disk space is an error before work starts, with the space needed and available."""

from pathlib import Path

import pytest

from livelift.errors import ResourceError
from local.disk import MIB, require_free_space


def test_enough_space_is_no_error_before_the_folder_is_made(tmp_path: Path) -> None:
    require_free_space(tmp_path / "not" / "there", 1, "nothing")


def test_too_little_space_names_what_there_is_and_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match=r"\d+ MiB are free under .*, the replay needs 1099511627776 MiB"):
        require_free_space(tmp_path, MIB << 40, "the replay")
