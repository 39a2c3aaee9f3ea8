"""Writes a model as ONNX, in two forms."""

from pathlib import Path
from typing import Any

from keras_bert.errors import InputError
from keras_bert.files import atomic_folder, check_target
from keras_bert.serving.formats.network import Network, write_beside
from keras_bert.serving.formats.onnx.encoder import OnnxEncoder
from keras_bert.serving.formats.onnx.fused import FusedEncoder
from keras_bert.serving.formats.onnx.graph import Graph
from keras_bert.serving.formats.onnx.heads import OnnxHead
from keras_bert.serving.formats.onnx.plain import PlainEncoder
from keras_bert.serving.formats.onnx.products import byte_product, float_product, fused_byte_product

PLAIN, FUSED = FORMS = ("plain", "fused")

FILES = {
    "float32": {PLAIN: "onnx/model.onnx", FUSED: "onnx/model_fused.onnx"},
    "int8": {PLAIN: "onnx/model_quantized.onnx", FUSED: "onnx/model_fused_quantized.onnx"},
}
"""The file of each form: the plain ones as transformers.js and Optimum look for them."""

# A protobuf message ends at 2 GiB; what is larger keeps its weights in a file beside, as Optimum names it.
_MOST_BYTES = 2**31 - 2**24
_BESIDE = "_data"


def write_onnx(network: Network, folder: str | Path, dtype: str = "float32", overwrite: bool = False) -> None:
    """Writes a folder that transformers.js, Optimum and `keras_bert.runtime` open.

    The plain form is of standard operators (opset 17), the fused one of ONNX Runtime's own: it computes nothing but
    attention for padding. Weights of more than 2 GiB go into a file beside each, `model.onnx_data`.

    Args:
        network: What is written.
        folder: Gets the two files of `FILES` and what `write_beside` writes.
        dtype: `"float32"`; or `"int8"`: 8 bits for the weights, with a scale a column, and for the word embeddings,
            with a scale a row; hidden states are brought to 8 bits, token by token, when it runs.
        overwrite: Replace a folder that is there already.

    Raises:
        InputError: The folder holds something and `overwrite` is False, or the encoder's attention is not BERT's.
    """
    check_target(folder, overwrite)
    attention = network.model.encoder.attention
    if attention != "bidirectional":
        raise InputError(f"format='onnx' cannot hold an encoder with attention={attention!r}; 'saved_model' can")
    with atomic_folder(folder, overwrite) as temporary:
        for form, name in FILES[dtype].items():
            (temporary / name).parent.mkdir(exist_ok=True)
            _save(onnx_graph(network, dtype, form), temporary / name, f"BERT, {form} form, {dtype}")
        write_beside(network, temporary, "onnx", FILES[dtype][FUSED], dtype)


def onnx_graph(network: Network, dtype: str, form: str) -> Graph:
    """Builds the graph.

    Args:
        network: What is written.
        dtype: `"float32"` or `"int8"`.
        form: `"plain"` or `"fused"`.

    Returns:
        Its inputs are int64 `input_ids`, `attention_mask`, `token_type_ids` (batch_size, sequence_length), and for the
        fused form of an embedder without its prompts `pooling_mask`; the plain form of multiple choice takes
        (batch_size, num_choices, sequence_length). Its outputs are float32: `logits`, `start_logits` and
        `end_logits`, or `sentence_embedding`, in the plain form with `last_hidden_state`. The plain form's logits are
        those of the dense layer, divided by the temperature of a calibrated classifier, as Hugging Face has them; in
        the fused form a head's activation is behind them.
    """
    graph, is_plain = Graph(), form == PLAIN
    by_choice = is_plain and network.answering["kind"] == "choose"
    shape = ["batch_size", *(["num_choices"] if by_choice else []), "sequence_length"]
    names = list(network.signature.inputs)
    takes_mask = len(names) > 3 and not is_plain
    inputs = [graph.input(name, "INT64", shape) for name in names[: 4 if takes_mask else 3]]
    if by_choice:
        choices = graph.add("Slice", graph.add("Shape", inputs[0]), graph.integers(0), graph.integers(2))
        tokens = graph.add("Slice", graph.add("Shape", inputs[0]), graph.integers(2), graph.integers(3))
        flat = graph.add("Concat", graph.integers(-1), tokens, axis=0)
        inputs = [graph.add("Reshape", value, flat) for value in inputs]
    is_int8 = dtype == "int8"
    product = (byte_product if is_plain else fused_byte_product) if is_int8 else float_product
    kind: type[OnnxEncoder] = PlainEncoder if is_plain else FusedEncoder
    encoder = kind(graph, network.config, network.weights, product, is_int8)
    encoder.prepare(*inputs[:3])
    head = OnnxHead(encoder, network.head, inputs[0], [inputs[1], *inputs[3:]])
    if network.head.linear is None:
        head.embedding_outputs(with_vector=not is_plain or len(names) == 3, with_states=is_plain)
    elif network.head.reads == ("tokens",):
        head.token_outputs(["start_logits", "end_logits"] if network.head.linear == "qa_outputs" else ["logits"])
    else:
        logits, count = head.text_output(activate=not is_plain)
        logits = graph.add("Reshape", logits, choices) if by_choice else logits
        graph.output(logits, "logits", shape[:2] if by_choice else [shape[0], count])
    return graph


def _save(graph: Graph, path: Path, description: str) -> None:
    """Writes the file, with its weights beside where they are too many, and checks it."""
    import onnx

    size = sum(constant.nbytes for constant in graph.constants.values())
    beside: dict[str, Any] = {"save_as_external_data": True, "location": path.name + _BESIDE, "size_threshold": 1024}
    onnx.save(graph.model(description), str(path), **(beside if size > _MOST_BYTES else {}))
    onnx.checker.check_model(str(path))
