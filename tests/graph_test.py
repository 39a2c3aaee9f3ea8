"""Functions are traced as they are: no copy of theirs runs."""

import inspect
import re

import pytest
import tensorflow as tf

from keras_bert.graph import as_written, graph_function


def test_a_function_is_traced_where_it_stands():
    files = []

    def note(x):
        files.append(inspect.currentframe().f_code.co_filename)
        return x

    graph_function(note)(tf.constant(1))
    list(tf.data.Dataset.range(1).map(as_written(note)))
    assert files == [__file__, __file__]


def test_a_branch_on_a_tensor_is_refused_not_rewritten():
    with pytest.raises(TypeError, match=r"Using a symbolic `tf.Tensor` as a Python `bool` is not allowed"):
        graph_function(lambda x: 1 if x > 0 else 2)(tf.constant(1))


def test_the_package_makes_its_graphs_so():
    from pathlib import Path

    import keras_bert

    package = Path(keras_bert.__file__).parent
    for path in package.rglob("*.py"):
        code = [line for line in path.read_text().splitlines() if ">>>" not in line and "... " not in line]
        bare = re.compile(r"tf\.function\(|rows\.map\((?!as_written)|\.(flat_map|interleave)\((?!as_written|$)")
        assert path.name == "graph.py" or not any(bare.search(line) for line in code), path
