"""Settings: which blocks learn from which, and what does not go together."""

import pytest

from keras_bert.compression import DistillationSettings
from keras_bert.compression.distillation.inner_states import InnerStates
from keras_bert.errors import InputError
from tests.tasks import tiny

TEACHER, STUDENT = tiny.config(num_hidden_layers=4), tiny.config(num_hidden_layers=2)


def test_blocks_are_spread_evenly_the_last_to_the_last():
    settings = DistillationSettings(hidden_weight=1.0)
    assert settings.layers(3, 6) == (2, 4, 6)
    assert settings.layers(4, 12) == (3, 6, 9, 12)
    assert settings.layers(2, 5) == (3, 5)
    assert DistillationSettings(hidden_weight=1.0, layer_map=(1, 3)).layers(2, 4) == (1, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label_share": 1.5}, "label_share is a share"),
        ({"temperature": 0.0}, "temperature must be a positive number"),
        ({"relation_weight": -1.0}, "relation_weight must be 0 or more"),
        ({"relations": ("QV",)}, "relations are some of QK, QQ, KK, VV, each once"),
        ({"relation_heads": 4}, "relation_heads is for relations"),
        ({"relations": ("QK",), "relation_heads": 5}, "relation_heads=5 does not divide 32, the width of 4 heads"),
        ({"relations": ("QK",), "relation_layer": 7}, "relation_layer=7: the teacher has the layers 1 to 4"),
        ({"hidden_weight": 1.0, "layer_map": (1,)}, "for each of the student's 2"),
        ({"hidden_weight": 1.0, "layer_map": (1, 5)}, "a block of the teacher, 1 to 4"),
        ({"layer_map": (1, 2)}, "layer_map is for hidden_weight and attention_weight"),
        ({"replacement_rate": 0.5, "hidden_weight": 1.0}, "mixes the blocks of both models"),
        ({"replacement_rate": 2.0}, "replacement_rate is a probability"),
        ({"replacement_schedule": "steep"}, "must be linear or constant"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_settings_that_do_not_go_together(options: dict, message: str):
    with pytest.raises(InputError, match=message):
        InnerStates.of(DistillationSettings(**options), STUDENT, TEACHER)
