"""Fixtures that every room's tests share."""

import contextlib
import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest

# In the environment of `make parity`, triton (which torch imports when it needs it) comes first: its LLVM aborts the
# process if TensorFlow's has been loaded before.
with contextlib.suppress(ImportError):
    import triton  # noqa: F401

# A shell lets its background jobs ignore Ctrl-C, and the programs that the tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets beside the repository; tests that need it skip where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real data sets at {SHARED_DATA}")
    return SHARED_DATA


def pytest_collection_finish() -> None:
    """What importing and collecting made stays to the end: Python need not look through it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def garbage_of_this_file_only() -> Iterator[None]:
    """Nor through what the tests of a file leave behind (functions that TensorFlow keeps): a tenth of the time."""
    yield
    gc.collect()
    gc.freeze()
