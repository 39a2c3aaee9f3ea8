"""A model as a writer of other formats gets it: numbers in, numbers out, and what strings need beside."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_bert.config import BertConfig
from keras_bert.escaping import to_json
from keras_bert.serving.signature import Signature

ANSWERING_FILE = "answering.json"
"""What `keras_bert.runtime` needs to make inputs of strings, and answers of outputs."""

INPUTS = {"input_ids": "token_ids", "attention_mask": "padding_mask", "token_type_ids": "segment_ids"}
"""Names of the inputs in Hugging Face's words and in ours, in the order in which a format has them."""


@dataclasses.dataclass(frozen=True)
class Head:
    """How outputs are made of hidden states, for writers that build a graph of their own.

    Attributes:
        reads: What the head reads: `"tokens"`, each hidden state; or poolings, joined in this order: `"pooler"`,
            `"markers"`, or modes of `TokenPooling`.
        linear: Name of its dense layer among the weights, `"classifier"` or `"qa_outputs"`; None for an embedder.
        marker_ids: For `"markers"`: ids of the tokens whose hidden states are joined; of one that is there several
            times the first place counts, of a missing one the place 0.
        activation: `"linear"` or `"sigmoid"`, behind the dense layer.
        modules: Of an embedder, behind the pooling: dicts as `BertEmbedder` takes them. The weights of number i are
            named by a folder that is numbered from 2: `2_Dense/linear.weight`, `3_LayerNorm/norm.weight`.
        normalize: Of an embedder: the vector has the length 1.
        size: Numbers of the vector that are given; None for all.
        temperature: Of a classifier: what the logits are divided by.
    """

    reads: tuple[str, ...]
    linear: str | None
    marker_ids: tuple[int, ...] = ()
    activation: str = "linear"
    modules: tuple[Mapping[str, Any], ...] = ()
    normalize: bool = False
    size: int | None = None
    temperature: float = 1.0


@dataclasses.dataclass(frozen=True)
class Network:
    """What is to be written.

    Attributes:
        model: The Keras model, float32: owner of the variables that the function uses.
        signature: From `input_ids`, `attention_mask` and `token_type_ids`, int32 (batch, tokens), to float32 outputs by
            name: `logits` (batch, classes) or (batch, tokens, labels); `start_logits` and `end_logits` (batch, tokens);
            or `sentence_embedding` (batch, size). An embedder that leaves its prompts out of the pooling takes
            `pooling_mask` too, 1 for a token that is pooled.
        config: The architecture of the encoder.
        head: How the outputs are made.
        weights: All weights under Hugging Face's names, float32, dense ones (out, in).
        answering: What strings and answers need, as JSON can hold it; see `keras_bert.runtime`.
        card: Makes the model card, Markdown, of facts about the format: name → value.
        write_files: Writes Hugging Face's files into a folder that exists: `config.json`, `tokenizer.json`,
            `tokenizer_config.json`, and `vocab.txt` or `vocab.json` with `merges.txt`.
    """

    model: keras.Model
    signature: Signature
    config: BertConfig
    head: Head
    weights: Mapping[str, np.ndarray]
    answering: Mapping[str, Any]
    card: Callable[[Mapping[str, Any]], str]
    write_files: Callable[[Path], None]


def write_beside(network: Network, folder: Path, format: str, file: str, dtype: str) -> None:
    """Writes what stands beside the graph of every format: tokenizer, config, `answering.json` and the model card.

    Args:
        network: What is written.
        folder: A folder that exists.
        format: `"litert"` or `"onnx"`.
        file: The graph that `keras_bert.runtime` opens, relative to the folder.
        dtype: Its numbers.
    """
    network.write_files(folder)
    fields = {"version": 1, "format": format, "file": file, "dtype": dtype, **network.answering}
    (folder / ANSWERING_FILE).write_text(to_json(fields, indent=2) + "\n", encoding="utf-8")
    card = network.card({"format": format, "file": file, "numbers": dtype})
    (folder / "README.md").write_text(card, encoding="utf-8")
