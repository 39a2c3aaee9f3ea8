"""Methods and their options: each has its own, and none is passed over."""

import pytest

from keras_bert.errors import InputError
from keras_bert.trust.explain.settings import METHODS, ExplainSettings


def test_what_nobody_says():
    assert ExplainSettings.of("integrated_gradients").options == {"baseline": "[PAD]", "steps": 50}
    assert ExplainSettings.of("shapley", seed=3).options == {"baseline": "[MASK]", "permutations": 25, "seed": 3}
    assert {method: ExplainSettings.of(method).baseline for method in METHODS} == {
        "integrated_gradients": "[PAD]",
        "gradient_x_input": None,
        "attention": None,
        "rollout": None,
        "occlusion": "[MASK]",
        "shapley": "[MASK]",
    }


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("lime", {}, "method must be one of integrated_gradients, gradient_x_input, attention, rollout, occlusion, "),
        ("occlusion", {"steps": 50}, "steps is an option of integrated_gradients; method='occlusion' has none such"),
        ("rollout", {"baseline": "zero"}, "baseline is an option of integrated_gradients and occlusion and shapley; "),
        ("integrated_gradients", {"heads": [1]}, "heads is an option of attention; "),
        ("occlusion", {"baseline": "[UNK]"}, r"baseline must be one of \[PAD\], \[MASK\], zero, received: '\[UNK\]'"),
        ("integrated_gradients", {"steps": 0}, "steps is 0; it must be a whole number, from 1 to 3200"),
        ("integrated_gradients", {"steps": 2.5}, "steps is 2.5; it must be a whole number"),
        ("shapley", {"permutations": -1}, "permutations is -1; it must be a whole number, 1 or more"),
    ],
)
def test_what_is_refused(method: str, options, message: str):
    with pytest.raises(InputError, match=message):
        ExplainSettings.of(method, **options)
