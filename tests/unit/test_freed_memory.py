"""A buffer's pages are kept by the process for the next one: measured by the page faults of getting one again and again."""

import os
import resource
import subprocess
import sys

import pytest

from livelift.freed_memory import keep_freed_memory

FAULTS = """
import resource, sys
from livelift.freed_memory import keep_freed_memory
if sys.argv[1] == "keep":
    sys.exit("glibc has not taken it") if not keep_freed_memory() else None
kept = [bytes(100) for _ in range(1000)]
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20): bytearray(8 << 20)
before = faults()
for _ in range(20): bytearray(8 << 20)
print(faults() - before)
"""


def page_faults(how: str, **environment: str) -> int:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    ran = subprocess.run(
        [sys.executable, "-c", FAULTS, how], env=clean | environment, capture_output=True, text=True, check=True
    )
    return int(ran.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="a setting of glibc")
def test_a_buffer_is_got_again_without_new_pages() -> None:
    pages_of_one = (8 << 20) // resource.getpagesize()
    assert page_faults("keep") < pages_of_one
    assert page_faults("leave", MALLOC_MMAP_THRESHOLD_="1048576") >= 20 * pages_of_one // 2


def test_an_environment_that_configures_the_allocator_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "131072")
    assert not keep_freed_memory()
