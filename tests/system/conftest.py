"""What the system tests share: one PostgreSQL and Redis a session; a file that hurts its stores makes its own."""
import pytest

from stores import Stores


@pytest.fixture(scope="session")
def stores():
    with Stores() as s:
        yield s
