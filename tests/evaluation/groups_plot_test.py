"""The picture of groups is drawn, with names that no font has and numbers that are none."""

from pathlib import Path

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.evaluation.groups import group_scores
from keras_bert.evaluation.groups_plot import plot_groups


def test_a_picture(tmp_path: Path):
    targets = np.zeros(8, int)
    scores = group_scores(targets, targets, ["$a", "b_b"] * 4, ["no", "yes"], least_rows=2, draws=100)
    plot_groups(scores, tmp_path / "groups.png")
    assert (tmp_path / "groups.png").read_bytes().startswith(b"\x89PNG")


def test_nothing_to_draw(tmp_path: Path):
    with pytest.raises(InputError, match="no groups"):
        plot_groups({"groups": {}}, tmp_path / "groups.png")
