"""What the fault tests share: the system tests' fleet and stores, and one PostgreSQL and Redis a session.
Tests that kill the stores start them again before they end."""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "system"))

from stores import Stores  # noqa: E402


@pytest.fixture(scope="session")
def stores():
    with Stores() as s:
        yield s
