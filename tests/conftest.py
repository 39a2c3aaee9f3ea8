"""Fixtures that every room's tests share."""

import contextlib
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest

# Where torch is installed (`make parity`) it comes first: triton, which it imports, brings an LLVM that aborts the
# process if TensorFlow's has been loaded before.
with contextlib.suppress(ImportError):
    import torch  # noqa: F401

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets beside the repository; tests that need it skip where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real data sets at {SHARED_DATA}")
    return SHARED_DATA
