"""Embeddings: vectors, rows, training and scores, and folders in the layout of sentence-transformers."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from keras_bert.checkpoints import resolve
from keras_bert.data import read
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.tasks import BertEmbedder, open_task
from keras_bert.training import adamw
from tests.checkpoints import make_minilm_reference
from tests.forked_process import ask_in_a_bare_process
from tests.tasks import tiny

SCORES = [4.5, 0.5, 3.75, 2.0, 1.25, 2.5, 0.0, 5.0]
SERVED = [*(text.encode() for text in tiny.TEXTS), b"", b"\0 \xff\xfe good", b"good film " * 500, "😀".encode()]
REFERENCE = Path(__file__).parents[2] / "checkpoints" / "minilm_reference.npz"


@pytest.fixture(scope="module")
def embedder() -> BertEmbedder:
    """For tests that only ask it."""
    return tiny.embedder()


@pytest.fixture(scope="module")
def minilm() -> BertEmbedder:
    try:
        resolve("minilm")
    except InputError as error:
        pytest.skip(str(error))
    return BertEmbedder.from_preset("minilm")


# -- vectors ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
@pytest.mark.parametrize("normalize", [True, False])
def test_vectors_are_pooled_hidden_states(pooling: str, normalize: bool):
    model = tiny.embedder(pooling, normalize=normalize)
    inputs = model.preprocessor(tiny.TEXTS)
    hidden, mask = model.encoder(inputs)["sequence_output"].numpy(), inputs["padding_mask"].numpy()[:, :, None]
    expected = {
        "mean": (hidden * mask).sum(1) / mask.sum(1),
        "cls": hidden[:, 0],
        "max": np.where(mask > 0, hidden, -np.inf).max(1),
    }[pooling]
    if normalize:
        expected = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(model(inputs), expected, atol=1e-5)
    np.testing.assert_allclose(model.embed(tiny.TEXTS, batch_size=3), expected, atol=1e-5)
    assert model.embed(tiny.TEXTS).dtype == np.float32
    answers = [answer["embedding"] for answer in model.answer(tiny.TEXTS)]
    np.testing.assert_allclose(answers, expected, atol=1e-5)


def test_vectors_are_float32_under_every_policy(embedder: BertEmbedder):
    model = tiny.embedder(dtype="mixed_bfloat16")
    vectors = model(model.preprocessor(tiny.TEXTS))
    assert vectors.dtype == tf.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert (vectors.numpy() * embedder.embed(tiny.TEXTS)).sum(1).min() > 0.99


def test_no_texts_have_no_vectors_and_a_string_is_no_list(embedder: BertEmbedder):
    assert embedder.embed([]).shape == (0, 32)
    with pytest.raises(InputError, match=r"embed takes a list of texts; for one text write embed\(\[text\]\)"):
        embedder.embed("good film")
    with pytest.raises(InputError, match="text 1: expected a string, received: 3"):
        embedder.embed(["good", 3])


def test_minilm_is_mean_pooling_of_what_transformers_computes(minilm: BertEmbedder):
    """Every 16th component of the last hidden states is stored; length 1 afterwards, as its modules.json says."""
    inputs = make_minilm_reference.inputs()
    mask = inputs["padding_mask"][:, :, None]
    hidden = np.load(REFERENCE)["hidden_6"]
    expected = (hidden * mask).sum(1) / mask.sum(1)
    plain = BertEmbedder.from_preset("minilm", normalize=False)(inputs).numpy()
    np.testing.assert_allclose(plain[:, :: make_minilm_reference.EVERY], expected, atol=1e-4)
    np.testing.assert_allclose(minilm(inputs), plain / np.linalg.norm(plain, axis=1, keepdims=True), atol=1e-6)
    assert (minilm.preprocessor.max_length, minilm.pooling, minilm.normalize) == (256, "mean", True)
    assert minilm.load_report.new == ()


def test_near_in_meaning_is_near_in_space(minilm: BertEmbedder):
    """Figures of the card of all-MiniLM-L6-v2 in the docs of sentence-transformers: 0.6660, 0.1046, 0.1411."""
    texts = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    vectors = minilm.embed(texts)
    cosines = vectors @ vectors.T
    assert [cosines[0, 1], cosines[0, 2], cosines[1, 2]] == pytest.approx([0.6660, 0.1046, 0.1411], abs=1e-4)


@pytest.mark.slow
def test_similarity_of_sentences_without_training(minilm: BertEmbedder, shared_data: Path):
    columns = {"text": "sentence1", "text_pair": "sentence2", "label": "score"}
    rows = read(shared_data / "sentence_pair" / "stsb" / "dev.tsv", **columns, label_type="number")
    assert minilm.evaluate_rows(rows)["spearman"] >= 0.86


# -- rows ------------------------------------------------------------------------------------------------------


def test_pairs_are_two_rows_of_the_encoder(embedder: BertEmbedder):
    rows = {"text": tf.constant(tiny.TEXTS), "text_pair": tf.constant(tiny.PAIRS)}
    inputs, targets = embedder.features(rows)
    batch = next(iter(embedder.batches(tiny.dataset(None, tiny.PAIRS), batch_size=8, keep_order=True)))[0]
    assert batch["token_ids"].shape[:2] == (8, 2)
    vectors = embedder(batch).numpy().reshape(8, 2, -1)
    np.testing.assert_allclose(vectors[:, 0], embedder.embed(tiny.TEXTS), atol=1e-5)
    np.testing.assert_allclose(vectors[:, 1], embedder.embed(tiny.PAIRS), atol=1e-5)
    assert inputs["lengths"].shape == (8, 2)
    assert len(set(targets.numpy().ravel().tolist())) == len({*tiny.TEXTS, *tiny.PAIRS})


def test_single_texts_are_what_keras_predicts_on(embedder: BertEmbedder):
    embedder.compile()
    batches = embedder.batches(tiny.dataset(), batch_size=3, keep_order=True)
    np.testing.assert_allclose(embedder.predict(batches, verbose=0), embedder.embed(tiny.TEXTS), atol=1e-5)


def test_scores_are_scaled_to_the_range_of_cosines():
    model = tiny.embedder(objective="cosine", score_range=(0, 5))
    (targets,) = model.targets(tf.constant(SCORES))
    np.testing.assert_allclose(targets[:, 0], np.array(SCORES) / 5)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"(?s)5\.5.*outside the range of the scores, 0 to 5"):
        model.targets(tf.constant([1.0, 5.5]))


def test_rows_of_another_objective_are_refused():
    cosine = tiny.embedder(objective="cosine")
    with pytest.raises(InputError, match="its rows have text, text_pair and a number as label"):
        cosine.features({"text": tf.constant(["good"]), "text_pair": tf.constant(["bad"])})
    with pytest.raises(InputError, match="the rows are single texts"):
        cosine.evaluate_rows(tiny.dataset([0.5] * 8))
    with pytest.raises(InputError, match="no rows to evaluate"):
        cosine.evaluate_rows(tiny.dataset(None, tiny.PAIRS).take(0))


# -- training and scores ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("objective", ["ranking", "cosine"])
def test_eight_pairs_are_learned_by_heart(objective: str):
    model = tiny.embedder(config=tiny.without_dropout(), objective=objective, score_range=(0, 5))
    labels = SCORES if objective == "cosine" else None
    rows = tiny.dataset(labels, tiny.PAIRS)
    before = model.evaluate_rows(rows)
    model.compile(adamw(1e-2, steps=60))
    losses = model.fit(model.batches(rows, batch_size=4).cache().repeat(30), verbose=0).history["loss"]
    after = model.evaluate_rows(rows)
    assert after[model.monitor] > 0.9 > before[model.monitor]
    assert losses[0] < 2


def test_three_texts_a_row_train(embedder: BertEmbedder):
    rows = tf.data.Dataset.zip(
        tiny.dataset(None, tiny.PAIRS), tf.data.Dataset.from_tensor_slices(tiny.TEXTS[::-1])
    ).map(lambda row, negative: {**row, "negative": negative})
    model = tiny.embedder(config=tiny.without_dropout())
    model.compile(adamw(1e-3, steps=4))
    batches = model.batches(rows, batch_size=8)
    inputs, targets = next(iter(batches))
    assert (inputs["token_ids"].shape[:2], targets.shape) == ((8, 3), (8, 3))
    expected = model.default_loss()(targets, model(inputs))
    assert model.evaluate(batches, verbose=0) == pytest.approx(float(expected), rel=1e-5)
    assert np.isfinite(model.fit(batches, verbose=0).history["loss"]).all()


def test_scores_of_pairs_with_a_label_are_correlations_of_cosines():
    model = tiny.embedder(normalize=False, objective="cosine", score_range=(0, 5))
    first, second = model.embed(tiny.TEXTS), model.embed(tiny.PAIRS)
    cosines = (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    found = model.evaluate_rows(tiny.dataset(SCORES, tiny.PAIRS), batch_size=3)
    assert found["spearman"] == pytest.approx(stats.spearmanr(cosines, SCORES).statistic, abs=1e-6)
    assert found["mse"] == found["loss"] == pytest.approx(((cosines - np.array(SCORES) / 5) ** 2).mean(), rel=1e-4)


def test_a_ranking_model_needs_no_range_to_be_scored(embedder: BertEmbedder):
    cosines = (embedder.embed(tiny.TEXTS) * embedder.embed(tiny.PAIRS)).sum(1)
    expected = {
        "pearson": stats.pearsonr(cosines, SCORES).statistic,
        "spearman": stats.spearmanr(cosines, SCORES).statistic,
    }
    assert embedder.evaluate_rows(tiny.dataset(SCORES, tiny.PAIRS)) == pytest.approx(expected, abs=1e-5)


def test_scores_of_pairs_without_a_label_are_those_of_search(embedder: BertEmbedder):
    """Two rows have the same first text: each of its two partners is right."""
    texts = [*tiny.TEXTS[:-1], tiny.TEXTS[0]]
    cosines = embedder.embed(texts[:-1]) @ embedder.embed(tiny.PAIRS).T
    places = [1 + int((row > row[own]).sum()) for own, row in enumerate(cosines)]
    places[0] = min(1 + int((cosines[0] > cosines[0, own]).sum()) for own in (0, 7))
    found = embedder.evaluate_rows(tiny.dataset(None, tiny.PAIRS, texts))
    assert found["mrr"] == pytest.approx(np.mean([1 / place for place in places]))


# -- folders and exports ---------------------------------------------------------------------------------------

OTHER_OPTIONS: dict[str, Any] = {
    "pooling": "max",
    "normalize": False,
    "objective": "cosine",
    "scale": 7.0,
    "score_range": (1.0, 4.0),
}


def test_a_preset_comes_back_with_its_options(tmp_path: Path):
    model = tiny.embedder(**OTHER_OPTIONS, preprocessor=tiny.preprocessor(9))
    model.save_preset(tmp_path / "model")
    again = open_task(tmp_path / "model")
    assert type(again) is BertEmbedder
    np.testing.assert_array_equal(again.embed(tiny.TEXTS), model.embed(tiny.TEXTS))
    for name, value in OTHER_OPTIONS.items():
        assert getattr(again, name) == value
    assert again.preprocessor.max_length == 9


def test_a_keras_file_comes_back_with_its_options(tmp_path: Path):
    model = tiny.embedder(**OTHER_OPTIONS)
    model.compile(adamw(1e-3, steps=3))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.embed(tiny.TEXTS), model.embed(tiny.TEXTS))
    assert {name: again.get_config()[name] for name in OTHER_OPTIONS} == {**OTHER_OPTIONS, "score_range": [1.0, 4.0]}
    rows = tiny.dataset([2.0] * 8, tiny.PAIRS)
    assert again.evaluate(again.batches(rows), verbose=0) == pytest.approx(again.evaluate_rows(rows)["loss"], rel=1e-5)


@pytest.mark.parametrize("normalize", [True, False])
def test_the_folder_is_one_of_sentence_transformers(normalize: bool, tmp_path: Path):
    """The layout of the published folder of all-MiniLM-L6-v2."""
    tiny.embedder("cls", normalize=normalize).save_preset(tmp_path / "model")
    files = {
        name: json.loads((tmp_path / "model" / name).read_text(encoding="utf-8"))
        for name in ("modules.json", "1_Pooling/config.json", "sentence_bert_config.json", "config.json")
    }
    kinds = [module["type"].rpartition(".")[2] for module in files["modules.json"]]
    assert kinds == ["Transformer", "Pooling", *(["Normalize"] if normalize else [])]
    assert [module["path"] for module in files["modules.json"]] == ["", "1_Pooling", "2_Normalize"][: len(kinds)]
    assert files["1_Pooling/config.json"] == {
        "word_embedding_dimension": 32,
        "pooling_mode_cls_token": True,
        "pooling_mode_mean_tokens": False,
        "pooling_mode_max_tokens": False,
        "pooling_mode_mean_sqrt_len_tokens": False,
    }
    assert files["sentence_bert_config.json"]["max_seq_length"] == 24
    assert files["config.json"]["architectures"] == ["BertModel"]
    # What another program changes there counts.
    pooling = {**files["1_Pooling/config.json"], "pooling_mode_cls_token": False, "pooling_mode_max_tokens": True}
    (tmp_path / "model" / "1_Pooling" / "config.json").write_text(json.dumps(pooling), encoding="utf-8")
    assert BertEmbedder.from_preset(tmp_path / "model").pooling == "max"


def test_newer_words_for_a_pooling_are_read(tmp_path: Path):
    tiny.embedder().save_preset(tmp_path / "model")
    newer = {"embedding_dimension": 32, "pooling_mode": "max", "include_prompt": True}
    (tmp_path / "model" / "1_Pooling" / "config.json").write_text(json.dumps(newer), encoding="utf-8")
    assert open_task(tmp_path / "model").pooling == "max"


@pytest.mark.parametrize(("told", "expected"), [(17, 17), (10**30, 32), (None, 32)])
def test_the_longest_input_may_stand_with_the_tokenizer(told: int | None, expected: int, tmp_path: Path):
    """Where sentence-transformers 6 has it; transformers writes 10^30 for a tokenizer without a limit."""
    tiny.embedder().save_preset(tmp_path / "model")
    (tmp_path / "model" / "sentence_bert_config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "model" / "keras_bert.json").unlink()
    path = tmp_path / "model" / "tokenizer_config.json"
    fields = {**json.loads(path.read_text(encoding="utf-8")), "model_max_length": told}
    path.write_text(json.dumps(fields), encoding="utf-8")
    assert BertEmbedder.from_preset(tmp_path / "model").preprocessor.max_length == expected


@pytest.mark.parity
def test_sentence_transformers_opens_the_folder_and_gives_the_same_vectors(tmp_path: Path):
    library = pytest.importorskip("sentence_transformers")
    for name, model in {"mean": tiny.embedder(), "cls": tiny.embedder("cls", normalize=False)}.items():
        model.save_preset(tmp_path / name)
        theirs = library.SentenceTransformer(str(tmp_path / name), device="cpu")
        np.testing.assert_allclose(theirs.encode(tiny.TEXTS), model.embed(tiny.TEXTS), atol=1e-4)
        theirs.save(str(tmp_path / f"{name} again"))
        again = open_task(tmp_path / f"{name} again")
        np.testing.assert_allclose(again.embed(tiny.TEXTS), model.embed(tiny.TEXTS), atol=1e-6)


def test_new_modules_start_afresh_and_are_trained(tmp_path: Path):
    """And a folder that has others gives way to them."""
    tiny.embedder(modules=[{"kind": "Dense", "units": 9}]).save_preset(tmp_path / "model")
    dense = {"kind": "Dense", "units": 5}
    model = BertEmbedder.from_preset(
        tmp_path / "model", pooling=["cls", "mean"], modules=[dense, {"kind": "LayerNorm"}]
    )
    assert set(model.load_report.new) == {weight.name for weight in model.head_weights()}
    assert [weight.shape for weight in model.head_weights()] == [(5, 64), (5,), (5,), (5,)]
    assert model.embed(["good film"]).shape == (1, 5)
    assert BertEmbedder.from_preset(tmp_path / "model").load_report.new == ()


def test_rows_are_learnt_and_scored_behind_their_prompts():
    """Training and `evaluate_rows` see what `embed` sees with the prompt of each side."""
    prompts = {"query": "the film is ", "passage": "a book "}
    model = tiny.embedder(prompts=prompts, row_prompts=["query", "passage"], include_prompt=False)
    rows = tiny.dataset(None, tiny.PAIRS)
    inputs, _ = next(iter(model.batches(rows, batch_size=8, keep_order=True)))
    assert sorted(inputs) == ["padding_mask", "pooling_mask", "segment_ids", "token_ids"]
    vectors = model(inputs).numpy().reshape(8, 2, -1)
    first, second = model.embed(tiny.TEXTS, prompt="query"), model.embed(tiny.PAIRS, prompt="passage")
    np.testing.assert_allclose(vectors[:, 0], first, atol=1e-5)
    np.testing.assert_allclose(vectors[:, 1], second, atol=1e-5)
    cosines = first @ second.T
    places = [1 + int((row > row[own]).sum()) for own, row in enumerate(cosines)]
    assert model.evaluate_rows(rows)["mrr"] == pytest.approx(np.mean([1 / place for place in places]))
    assert np.abs(model.embed(tiny.TEXTS) - first).max() > 1e-3


def test_a_text_is_no_neighbour_of_itself(embedder: BertEmbedder):
    """Two pairs, both ways round: of all texts but itself each is nearest to its partner, the only other one."""
    for firsts, seconds in ((["good", "book"], ["book", "good"]), (["good", "BOOK "], ["book", " Good"])):
        there = embedder.evaluate_rows(tiny.dataset(None, seconds, firsts))
        assert (there["recall_at_1"], there["mrr"]) == (1.0, 1.0)


def test_a_text_in_another_spelling_is_no_negative(embedder: BertEmbedder):
    """`GOOD  film` has the tokens of `good film`, and so its vector; unknown words, all one token, are not the same."""
    same, spelled = ({"text": ["good film", first], "text_pair": ["book", "good film"]} for first in ("book", "BOOK\t"))
    losses, prints = [], []
    for rows in (same, spelled):
        dataset = tiny.dataset(None, rows["text_pair"], rows["text"])
        inputs, targets = next(iter(embedder.batches(dataset, batch_size=2)))
        losses.append(float(embedder.default_loss()(targets, embedder(inputs))))
        prints.append(targets.numpy().tolist())
    assert losses == pytest.approx([0.0, 0.0], abs=1e-6)
    assert prints[0] == prints[1]
    (targets,) = embedder.features({"text": tf.constant(["xyzzy"]), "text_pair": tf.constant(["plugh"])})[1:]
    assert targets[0, 0] != targets[0, 1]


def test_a_text_that_is_there_often_is_computed_once(embedder: BertEmbedder, monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []
    run = embedder._stages.embed
    monkeypatch.setattr(embedder._stages, "embed", lambda texts, *more: asked.append(len(texts)) or run(texts, *more))
    vectors = embedder.embed(["book", "good film", "book"] * 50, batch_size=8)
    assert (sum(asked), vectors.shape) == (2, (150, 32))
    np.testing.assert_array_equal(vectors[0], vectors[2])


def test_the_hidden_states_of_a_layer_below(tmp_path: Path):
    """A folder with it opens anywhere: the blocks above are not in it."""
    tiny.embedder(normalize=False).save_preset(tmp_path / "model")
    model = BertEmbedder.from_preset(tmp_path / "model", layer=-2)
    whole = tiny.embedder(normalize=False)
    states = BertEncoder(whole.encoder.config, use_pooler=False, output_hidden_states=True)
    states.set_weights(whole.encoder.get_weights())
    hidden = states(model.preprocessor(["good film"]))["hidden_states"][1].numpy()
    np.testing.assert_allclose(model.embed(["good film"])[0], hidden[0, :4].mean(0), atol=1e-5)
    model.save_preset(tmp_path / "again")
    assert json.loads((tmp_path / "again" / "config.json").read_text())["num_hidden_layers"] == 1
    np.testing.assert_array_equal(open_task(tmp_path / "again").embed(["good"]), model.embed(["good"]))


def test_any_checkpoint_lends_its_encoder(tmp_path: Path):
    model = tiny.classifier()
    model.save_preset(tmp_path / "model")
    again = BertEmbedder.from_preset(tmp_path / "model", normalize=False)
    inputs = model.preprocessor(["good film"])
    hidden = model.encoder(inputs)["sequence_output"].numpy()[0, : int(np.sum(inputs["padding_mask"]))]
    np.testing.assert_allclose(again.embed(["good film"])[0], hidden.mean(0), atol=1e-5)


@pytest.mark.slow
def test_an_export_gives_the_vectors_of_the_model_in_a_bare_process(tmp_path: Path):
    """Behind its default prompt; a signature for each of the others."""
    options = {"prompts": {"query": "the film ", "other": "a "}, "default_prompt": "other", "include_prompt": False}
    model = tiny.embedder("max", truncate_dim=6, modules=[{"kind": "Dense", "units": 10}], **options)
    model.export(tmp_path / "model" / "1")
    results = ask_in_a_bare_process({tmp_path / "model" / "1": {"text": SERVED}}, tmp_path / "results.json")
    outputs = results[str(tmp_path / "model" / "1")]["outputs"]
    assert list(outputs) == ["embedding"]
    np.testing.assert_allclose(outputs["embedding"], model.embed(SERVED), rtol=0, atol=1e-5)
    signatures = tf.saved_model.load(str(tmp_path / "model" / "1")).signatures
    assert sorted(signatures) == ["other", "query", "serving_default", "token_ids"]
    found = signatures["query"](text=tf.constant(SERVED))["embedding"]
    np.testing.assert_allclose(found, model.embed(SERVED, prompt="query"), rtol=0, atol=1e-5)
    inputs = model._stages.inputs(tf.constant(tiny.TEXTS), "a ", 2)
    found = signatures["token_ids"](**inputs)["embedding"]
    np.testing.assert_allclose(found, model.embed(tiny.TEXTS), rtol=0, atol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError):
        signatures["token_ids"](**{**inputs, "pooling_mask": inputs["pooling_mask"][:1]})


def test_a_frozen_export_has_the_default_prompt_alone(tmp_path: Path):
    model = tiny.embedder(config=tiny.without_dropout(), prompts={"query": "the film "})
    model.export(tmp_path / "1", freeze=True, prompt="query")
    signatures = tf.saved_model.load(str(tmp_path / "1")).signatures
    assert list(signatures) == ["serving_default"]
    found = signatures["serving_default"](text=tf.constant(["good"]))["embedding"]
    np.testing.assert_allclose(found, model.embed(["good"], prompt="query"), rtol=0, atol=1e-5)
    assert model.prompts.default is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pooling": "sqrt"}, "pooling must be one of cls, max, mean, mean_sqrt_len_tokens, weightedmean, lasttoken"),
        ({"pooling": ()}, "pooling must be one of"),
        ({"pooling": ("cls", "cls")}, "each pooling must be another, received: cls, cls"),
        ({"similarity": "hamming"}, "similarity must be one of cosine, dot, euclidean, manhattan"),
        ({"truncate_dim": 0}, "truncate_dim must be positive"),
        ({"default_prompt": "query"}, "there is no prompt 'query'; the model has: none"),
        ({"row_prompts": ["query"]}, "there is no prompt 'query'"),
        ({"modules": [{"kind": "CNN"}]}, "the kind of a module must be one of Dense, LayerNorm, Dropout, Normalize"),
        ({"objective": "triplet"}, "objective must be one of ranking, cosine"),
        ({"scale": 0}, "scale must be positive"),
        ({"score_range": (1, 1)}, "score_range is the lowest and the highest score"),
    ],
)
def test_impossible_arguments_are_refused(options: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        BertEmbedder(BertEncoder(tiny.config(), use_pooler=False), tiny.preprocessor(), **options)


def test_an_encoder_with_a_pooler_is_refused():
    with pytest.raises(InputError, match="use_pooler=False"):
        BertEmbedder(BertEncoder(tiny.config()), tiny.preprocessor())
