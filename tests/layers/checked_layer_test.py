"""Every layer names an argument that nothing reads, and the near one."""

import inspect

import keras
import pytest

import keras_bert
from keras_bert.errors import InputError


@pytest.mark.parametrize("name", [name for name in keras_bert.layers.__all__ if name[0].isupper()])
def test_no_layer_drops_an_argument(name):
    cls = getattr(keras_bert.layers, name)
    if not issubclass(cls, keras.Layer):
        pytest.skip("no layer")
    needed = inspect.signature(cls).parameters.values()
    required = {each.name: 1 for each in needed if each.default is each.empty and each.kind != each.VAR_KEYWORD}
    if "embeddings" in required:
        required["embeddings"] = keras_bert.layers.BertEmbeddings(3, 4)
    with pytest.raises(InputError, match=f"^{name} takes no argument 'trainabel'; did you mean 'trainable'"):
        cls(**required, trainabel=True)
    own = [each.name for each in needed if each.default is not each.empty]
    for argument in own:
        with pytest.raises(InputError, match=f"^{name} takes no argument '{argument}s'; did you mean '{argument}'"):
            cls(**required, **{f"{argument}s": 1})


def test_a_layer_of_a_layer_knows_the_arguments_of_both():
    class Mine(keras_bert.layers.Linear):
        def __init__(self, units: int, shade: int = 0, **kwargs):
            super().__init__(units, **kwargs)

    for wrong, near in (("shades", "shade"), ("activatio", "activation"), ("nam", "name")):
        with pytest.raises(InputError, match=f"^Mine takes no argument '{wrong}'; did you mean '{near}'"):
            Mine(3, **{wrong: 1})
