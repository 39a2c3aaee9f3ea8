"""A function that starts its operations one after the other gives what it gave, and the saved graph says so."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.serving import Signature, write_saved_model
from keras_bert.serving.one_thread import in_one_thread
from tests.tasks import tiny


def executors(function) -> set[bytes]:
    """The executors that the calls within a graph ask for."""
    calls = [op for op in function.graph.get_operations() if op.type == "StatefulPartitionedCall"]
    return {call.get_attr("executor_type") for call in calls}


def test_outputs_names_and_shapes_are_kept():
    signature = Signature(
        lambda x, y: {"sum": x + y, "both": tf.stack([x, y])},
        {name: tf.TensorSpec([None, 2], tf.float32, name=name) for name in ("y", "x")},
    )
    function = tf.function(in_one_thread(signature).function).get_concrete_function(**signature.inputs)
    assert executors(function) == {b"SINGLE_THREADED_EXECUTOR"}
    assert function.structured_outputs["both"].shape.as_list() == [2, None, 2]
    found = function(x=tf.constant([[1.0, 2.0]]), y=tf.constant([[5.0, 5.0]]))
    assert found["sum"].numpy().tolist() == [[6.0, 7.0]]
    assert found["both"].numpy().tolist() == [[[1.0, 2.0]], [[5.0, 5.0]]]


@pytest.mark.parametrize("freeze", [False, True])
def test_a_saved_model_keeps_the_choice_and_the_answers(tmp_path, freeze: bool):
    model = tiny.classifier()
    signatures = {"serving_default": model.signatures()["serving_default"]}
    write_saved_model(tmp_path / "1", model, signatures, {}, freeze=freeze)
    loaded = tf.saved_model.load(str(tmp_path / "1")).signatures["serving_default"]
    nodes = [node for function in loaded.graph.as_graph_def().library.function for node in function.node_def]
    assert b"SINGLE_THREADED_EXECUTOR" in {node.attr["executor_type"].s for node in nodes}
    texts = tf.constant(tiny.TEXTS)
    expected = model.answer_strings(texts)["scores"].numpy()
    np.testing.assert_allclose(loaded(text=texts)["scores"].numpy(), expected, atol=1e-6)
