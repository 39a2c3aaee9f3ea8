"""Several tasks over one encoder: each answers as its own model does."""

from pathlib import Path

import numpy as np
import pytest

from keras_bert.compression import SeveralAdapters, save_adapters
from keras_bert.errors import InputError
from keras_bert.tasks import BertTokenClassifier, open_task
from tests.compression.adapters_test import with_adapters
from tests.tasks import tiny, tiny_tags


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    """A classifier and a tagger over one encoder, with adapters of other ranks and layers."""
    folder = tmp_path_factory.mktemp("several")
    tiny.classifier().save_preset(folder / "base")
    save_adapters(with_adapters(open_task(folder / "base")), folder / "mood")
    tagger = BertTokenClassifier.from_preset(folder / "base", labels=tiny_tags.tagger().labels)
    save_adapters(with_adapters(tagger, seed=2, rank=2, alpha=1.0, targets=["key"]), folder / "names")
    return {"mood": folder / "mood", "names": folder / "names"}


@pytest.mark.slow
def test_each_answers_as_its_own_model(folders: dict[str, Path]):
    tasks = SeveralAdapters(folders)
    assert (tasks.names, tasks.active) == (["mood", "names"], None)
    own = {name: open_task(folder) for name, folder in folders.items()}
    for name in ("mood", "names", "mood"):
        found, expected = tasks.answer(name, tiny.TEXTS), own[name].answer(tiny.TEXTS)
        assert tasks.active == name
        if name == "mood":
            assert [answer["label"] for answer in found] == [answer["label"] for answer in expected]
            scores = [[answer["score"] for answer in answers] for answers in (found, expected)]
            np.testing.assert_allclose(scores[0], scores[1], atol=1e-5)
        inputs = own[name].preprocessor(tiny.TEXTS)
        np.testing.assert_allclose(tasks.use(name)(inputs), own[name](inputs), atol=1e-5)
    mood, names = tasks.use("mood").encoder, tasks.use("names").encoder
    assert mood.blocks[0] is names.blocks[0] is tasks.encoder.blocks[0]
    assert mood.embeddings is names.embeddings


def test_what_cannot_share_is_refused(folders: dict[str, Path], tmp_path: Path):
    with pytest.raises(InputError, match="no folder with adapters is named"):
        SeveralAdapters({})
    with pytest.raises(InputError, match=r"no adapter_config.json there"):
        SeveralAdapters({"base": folders["mood"].parent / "base"})
    tiny.classifier(seed=5).save_preset(tmp_path / "base")
    save_adapters(with_adapters(open_task(tmp_path / "base")), tmp_path / "other")
    with pytest.raises(InputError, match="were trained over the same weights; here mood over"):
        SeveralAdapters({**folders, "other": tmp_path / "other"})
    with pytest.raises(InputError, match="no task 'moood'; there are: mood"):
        SeveralAdapters({"mood": folders["mood"]}).answer("moood", ["film"])
