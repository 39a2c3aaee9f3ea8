"""The MiniLM weights give what transformers gives: against stored values, and live where torch is installed."""

from pathlib import Path

import numpy as np
import pytest

from keras_bert.checkpoints import encoder_weights, load_weights, open_checkpoint, resolve
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from tests.checkpoints import make_minilm_reference

TOLERANCE = 1e-4
REFERENCE = Path(__file__).parent / "minilm_reference.npz"


@pytest.fixture(scope="module")
def folder():
    try:
        return resolve("minilm")
    except InputError as error:
        pytest.skip(str(error))


def compute(folder):
    """All hidden states and the pooled output, with padding and two segments."""
    checkpoint = open_checkpoint(folder)
    encoder = BertEncoder(checkpoint.config, output_hidden_states=True)
    load_weights(encoder_weights(encoder), checkpoint)
    return encoder(make_minilm_reference.inputs())


def compare(outputs, reference):
    real = make_minilm_reference.inputs()["padding_mask"].astype(bool)
    assert len(outputs["hidden_states"]) == 7
    for index, state in enumerate(outputs["hidden_states"]):
        ours = np.asarray(state)[..., :: make_minilm_reference.EVERY]
        np.testing.assert_allclose(ours[real], reference[f"hidden_{index}"][real], atol=TOLERANCE)
    np.testing.assert_allclose(outputs["pooled_output"], reference["pooled_output"], atol=TOLERANCE)


def test_stored_outputs_of_transformers(folder):
    compare(compute(folder), np.load(REFERENCE))


@pytest.mark.parity
def test_live_outputs_of_transformers(folder, monkeypatch, tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    monkeypatch.setattr("sys.argv", ["make_minilm_reference.py", str(folder)])
    monkeypatch.setattr(make_minilm_reference, "__file__", str(tmp_path / "here.py"))
    make_minilm_reference.main()
    compare(compute(folder), np.load(tmp_path / "minilm_reference.npz"))
