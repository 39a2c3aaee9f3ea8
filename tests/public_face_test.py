"""What `import keras_bert` gives, and what it costs."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import keras_bert

PACKAGE = Path(keras_bert.__file__).parent
ROOMS = ("app", "checkpoints", "compression", "data", "decoding", "evaluation", "layers", "retrieval", "serving")
ROOMS += ("tasks", "text", "training", "trust")
HEAVY = ("absl", "keras", "keras_hub", "numpy", "tensorflow", "tensorflow_text")


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PACKAGE.parent)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_is_fast_and_loads_nothing_heavy():
    code = (
        "import time; start = time.perf_counter(); import keras_bert; seconds = time.perf_counter() - start\n"
        "import json, sys; print(json.dumps([seconds, sorted(sys.modules)]))"
    )
    seconds, modules = json.loads(run_python(code))
    assert seconds < 1.0
    assert not set(HEAVY) & set(modules)


def test_config_and_errors_need_no_tensorflow():
    code = (
        "import keras_bert, sys\n"
        "keras_bert.BertConfig(num_hidden_layers=2); keras_bert.InputError\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('tensorflow', 'keras')])"
    )
    assert run_python(code).strip() == "[]"


@pytest.mark.parametrize("name", [name for name in keras_bert.__all__ if name not in (*ROOMS, "__version__")])
def test_every_name_is_there_and_is_a_class_of_that_name(name):
    value = getattr(keras_bert, name)
    assert isinstance(value, type)
    assert value.__name__ == name
    assert value.__module__.startswith("keras_bert.")
    assert getattr(keras_bert, name) is value


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_is_reached_as_an_attribute(room):
    module = getattr(keras_bert, room)
    assert module.__name__ == f"keras_bert.{room}"
    assert module.__file__ is not None, "a folder without __init__.py"


def test_type_checkers_and_users_see_the_same_names():
    """The names imported for type checkers are exactly those that `__getattr__` finds."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    typed = set()
    for node in tree.body:
        if isinstance(node, ast.If):
            typed = {alias.name for step in node.body for alias in step.names}
    assert typed | {"__version__"} == set(keras_bert.__all__)


def test_dir_lists_the_public_names():
    assert set(keras_bert.__all__) <= set(dir(keras_bert))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'BertNonsense'"):
        keras_bert.BertNonsense  # noqa: B018
