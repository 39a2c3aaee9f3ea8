"""The reliability diagram is drawn, with empty bins too."""

from pathlib import Path

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.evaluation.calibration import reliability
from keras_bert.evaluation.reliability_plot import plot_reliability


def test_a_picture(tmp_path: Path):
    found = reliability(np.array([0.95, 0.65]), np.array([1, 0]))
    plot_reliability({"before $x": found, "after": found}, tmp_path / "reliability.png")
    assert (tmp_path / "reliability.png").read_bytes().startswith(b"\x89PNG")


def test_nothing_to_draw(tmp_path: Path):
    with pytest.raises(InputError, match="no reliability diagram"):
        plot_reliability({}, tmp_path / "reliability.png")
