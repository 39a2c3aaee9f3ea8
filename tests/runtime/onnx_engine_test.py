"""The engine of ONNX Runtime: any graph with the inputs' names."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from keras_bert.errors import InputError
from keras_bert.runtime.onnx_engine import OnnxEngine, session_options


def test_a_graph_runs_with_the_numbers_that_it_takes(tmp_path: Path):
    inputs = [
        helper.make_tensor_value_info("input_ids", TensorProto.INT64, [None, None]),
        helper.make_tensor_value_info("attention_mask", TensorProto.INT32, [None, None]),
    ]
    nodes = [
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.INT64),
        helper.make_node("Mul", ["input_ids", "mask"], ["logits"]),
    ]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.INT64, [None, None])]
    graph = helper.make_graph(nodes, "graph", inputs, outputs)
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    ids, mask = np.array([[3, 4]], np.int32), np.array([[1, 0]], np.int32)
    found = OnnxEngine(path, 1)({"input_ids": ids, "attention_mask": mask, "token_type_ids": mask})
    assert {name: values.tolist() for name, values in found.items()} == {"logits": [[3, 0]]}


def test_a_file_of_something_else_is_one_line(tmp_path: Path):
    (tmp_path / "model.onnx").write_bytes(b"nonsense")
    with pytest.raises(InputError, match="ONNX Runtime cannot open it"):
        OnnxEngine(tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("flags", "option"),
    [
        ("flags\t\t: fpu avx2 avx512_vnni amx_int8", None),
        ("flags\t\t: fpu avx2 avx_vnni", None),
        ("flags\t\t: fpu avx2", "1"),
        ("Features\t: asimd", "1"),
        (None, "1"),
    ],
    ids=str,
)
def test_without_vnni_bytes_are_multiplied_in_the_exact_way(flags: str | None, option: str | None, tmp_path: Path):
    processor = tmp_path / "cpuinfo"
    if flags is not None:
        processor.write_text(f"processor\t: 0\n{flags}\n")
    options = session_options(2, processor)
    assert options.intra_op_num_threads == 2
    if option:
        assert options.get_session_config_entry("session.x64quantprecision") == option
    else:
        with pytest.raises(RuntimeError, match="x64quantprecision"):
            options.get_session_config_entry("session.x64quantprecision")
