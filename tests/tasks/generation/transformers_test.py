"""The same ids as transformers' `generate` with the same left-to-right weights, and the same logits."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.tasks.generation.rows import source_rows
from tests.tasks import tiny
from tests.tasks.tiny_sequences import writer

SEARCHES = [
    {"num_beams": 1},
    {"num_beams": 4},
    {"num_beams": 3, "length_penalty": 0.0, "early_stopping": True},
    {"num_beams": 5, "length_penalty": 2.0, "early_stopping": "never"},
    {"num_beams": 4, "min_new_tokens": 3},
]


@pytest.mark.parity
@pytest.mark.parametrize("search", SEARCHES, ids=str)
def test_the_ids_are_those_of_generate(tmp_path: Path, search: dict):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    # A source is of segment 0 and what is written of segment 1; transformers continues with segment 0.
    model = writer("causal", generation={**search, "max_new_tokens": 8})
    table = model.encoder.embeddings.token_type_embeddings
    table.assign(np.repeat(table.numpy()[:1], 2, axis=0))
    model.save_preset(tmp_path / "model")
    peer = transformers.BertLMHeadModel.from_pretrained(tmp_path / "model").eval()
    for text in tiny.TEXTS:
        source = source_rows(model.tokenizer, [text], 20).to_list()
        ids = model.search({name: tf.constant(value) for name, value in inputs_of(source).items()})
        settings = json.loads((tmp_path / "model/generation_config.json").read_text())
        with torch.no_grad():
            expected = peer.generate(
                torch.tensor(source), **settings, bad_words_ids=[[0], [1], [2], [4]], do_sample=False
            )[0, len(source[0]) :].tolist()
        found = ids["ids"][0, 0].numpy().tolist()
        width = max(len(found), len(expected))
        assert found + [0] * (width - len(found)) == expected + [0] * (width - len(expected)), text


def inputs_of(source: list[list[int]]) -> dict[str, list]:
    ones = [[1] * len(row) for row in source]
    return {"token_ids": source, "segment_ids": [[0] * len(row) for row in source], "padding_mask": ones}
