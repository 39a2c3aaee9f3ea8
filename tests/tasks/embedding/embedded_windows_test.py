"""Many texts are embedded as few are, in any number of processes."""

from pathlib import Path

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.tasks.embedding import embedded_windows
from keras_bert.tasks.embedding.embedded_windows import embed_texts
from tests.tasks import tiny

TEXTS = [f"{text} {other}" for text in tiny.TEXTS for other in tiny.PAIRS] + tiny.TEXTS * 2


@pytest.mark.parametrize("window", [7, 1000])
def test_windows_change_nothing_and_equal_texts_are_one(window: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(embedded_windows, "_WINDOW", window)
    embedder = tiny.embedder()
    asked: list[str] = []
    embed = embedder.embed
    monkeypatch.setattr(embedder, "embed", lambda texts, *rest: asked.extend(texts) or embed(texts, *rest))
    found = embed_texts(embedder, TEXTS, 8)
    np.testing.assert_allclose(found, embed(TEXTS), atol=1e-6)
    assert sorted(asked) == sorted(set(TEXTS))


def test_no_texts_are_no_vectors():
    embedder = tiny.embedder()
    assert embed_texts(embedder, []).shape == (0, embedder.vector_size)


@pytest.mark.slow
def test_several_processes_give_the_vectors_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(embedded_windows, "_WINDOW", 7)
    embedder = tiny.embedder()
    embedder.save_preset(tmp_path / "model")
    found = embed_texts(embedder, TEXTS, 4, processes=2, handle=tmp_path / "model")
    np.testing.assert_allclose(found, embed_texts(embedder, TEXTS, 4), atol=1e-6)  # sums of other numbers of threads


def test_an_embedder_without_a_name_cannot_be_opened_elsewhere():
    with pytest.raises(InputError, match="name it by its folder or preset"):
        embed_texts(tiny.embedder(), TEXTS, processes=2)
