import sys
import pathlib
import uuid

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from lambari import Lambari  # noqa: E402


@pytest.fixture(scope="session")
def server():
    """A server for tests that do not restart it."""
    instance = Lambari().start()
    yield instance
    code = instance.stop()
    instance.close()
    assert code == 0, "the server did not end cleanly"


@pytest.fixture
def own_server():
    """A server that the test may restart or kill."""
    instance = Lambari().start()
    yield instance
    instance.close()


@pytest.fixture
def name():
    return f"t-{uuid.uuid4().hex[:10]}"
