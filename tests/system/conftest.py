"""What the system tests share: one PostgreSQL and Redis a session; a file that hurts its stores makes its own."""
import os

import pytest

from stores import Stores

# For sanitizer builds (SLUICE_BIN=build/asan/bin): one allocation past 1 GiB is an error, as a hostile length
# would ask for it, and freed memory is not held back so long that it looks like growth.
os.environ.setdefault("ASAN_OPTIONS", "max_allocation_size_mb=1024:quarantine_size_mb=16:detect_leaks=1")
os.environ.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")


@pytest.fixture(scope="session")
def stores():
    with Stores() as s:
        yield s
