"""What training starts from: flags of the programs that train from a checkpoint or from nothing, and of no other."""

import pytest
from absl import flags

from tests.scripts.programs import imported

START = {"preset", "config", "hidden_size", "num_hidden_layers", "vocabulary", "lowercase"}


@pytest.mark.parametrize("program", ["finetune", "pretrain"])
def test_one_home(program: str):
    with imported(program):
        assert {flags.FLAGS.find_module_defining_flag(name) for name in START} == {"keras_bert.scripts.start_flags"}


def test_a_student_has_flags_of_its_own():
    with imported("distill"):
        assert "preset" not in flags.FLAGS
        assert flags.FLAGS.find_module_defining_flag("hidden_size") == "keras_bert.scripts.distillation_flags"
