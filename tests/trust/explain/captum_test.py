"""Integrated gradients beside captum's, on the same weights.

captum runs in a process of its own, of the Python that TORCH_PYTHON names, so that torch may be installed in another
environment than TensorFlow.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_bert.trust.explain.readers.pooled import read_pooled
from keras_bert.trust.explain.scorer import Scorer
from tests.tasks import tiny

PEER = os.environ.get("TORCH_PYTHON", sys.executable)

EXPLAIN = """
import json, sys
import torch
from captum.attr import LayerIntegratedGradients
from transformers import BertForSequenceClassification
folder, ids, baselines, target, steps = json.loads(sys.argv[1])
model = BertForSequenceClassification.from_pretrained(folder).eval()
explain = LayerIntegratedGradients(lambda ids: model(ids).logits, model.bert.embeddings)
found = explain.attribute(
    torch.tensor([ids]), torch.tensor([baselines]), target=target, n_steps=steps, method="gausslegendre"
)
print(json.dumps(found.sum(-1)[0].tolist()))
"""


@pytest.mark.parity
def test_values_of_tokens_are_captums(tmp_path: Path):
    model = tiny.classifier()
    model.save_preset(tmp_path / "model")
    text = "the film was very good and the food was not so bad"
    (answer,) = model.answer([text], scores=True)
    reading = read_pooled(model, {"text": text.encode()}, answer, "neutral")
    scorer = Scorer(model)
    nodes, weights = np.polynomial.legendre.leggauss(50)
    vectors = scorer.vectors(reading.inputs), scorer.baseline_vectors(reading, "[MASK]")
    ours, _ = scorer.integral(reading, *vectors, (nodes + 1) / 2, weights / 2)
    count = int(reading.inputs["padding_mask"].sum())
    ids = reading.inputs["token_ids"][0, :count]
    baselines = np.where(reading.owner[0, :count] >= 0, model.tokenizer.mask_token_id, ids)
    arguments = [str(tmp_path / "model"), ids.tolist(), baselines.tolist(), 1, 50]
    done = subprocess.run([PEER, "-c", EXPLAIN, json.dumps(arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    theirs = json.loads(done.stdout.splitlines()[-1])
    np.testing.assert_allclose(ours[0, :count], theirs, atol=2e-4)
    assert np.abs(theirs).max() > 0.05
