"""Attacking classifiers of texts and of pairs, each kind; and what is refused."""

import json
from typing import Any

import pytest

import keras_bert
from keras_bert.errors import InputError
from keras_bert.trust.attack.report import AttackReport
from keras_bert.trust.attack.sentence import Change, given_back
from tests.tasks import tiny

SYNONYMS = {word: [other for other in tiny.ADJECTIVES if other != word] for word in tiny.ADJECTIVES}
FREE: dict[str, Any] = {"max_share": 1.0, "stop_words": ()}


@pytest.fixture(scope="module")
def model():
    return tiny.classifier()


@pytest.fixture(scope="module")
def rows(model) -> list[tuple[str, str]]:
    """Texts with the labels that the model answers, but for the last."""
    answers = [answer["label"] for answer in model.answer(tiny.TEXTS)]
    wrong = next(label for label in model.labels if label != answers[-1])
    return list(zip(tiny.TEXTS, [*answers[:-1], wrong], strict=True))


def attack(model: Any, rows: Any, kind: str, **options: Any) -> AttackReport:
    return keras_bert.trust.attack(model, rows, kind, **{**FREE, **options})


@pytest.mark.parametrize("kind", ["typos", "homoglyphs", "synonyms", "masked_words"])
def test_the_numbers_are_those_of_the_sentences(model, rows, kind: str):
    needs = {"synonyms": {"synonyms": SYNONYMS}, "masked_words": {"filler": tiny.pretrainer()}}.get(kind, {})
    report = attack(model, rows, kind, **needs)
    assert [row.row for row in report.rows] == list(range(len(rows)))
    answers = [answer["label"] for answer in model.answer([row.attacked["text"] for row in report.rows])]
    assert answers == [row.new_answer for row in report.rows]
    for row, (text, label) in zip(report.rows, rows, strict=True):
        assert row.texts == {"text": text}
        assert row.label == label
        assert (row.status == "broken") == (row.answer == label != row.new_answer) == bool(row.changes)
        assert given_back(row.attacked["text"], row.changes) == text
    numbers = report.summary()
    right = sum(answer == label for answer, (_, label) in zip(answers, rows, strict=True))
    assert numbers["accuracy_after"] == right / len(rows) == numbers["held"] / len(rows)
    assert numbers["accuracy_before"] == (len(rows) - 1) / len(rows)
    assert numbers["skipped"] == 1
    assert numbers["broken"] > 0
    assert numbers["queries"] == sum(row.queries for row in report.rows)
    assert [row["label"] for row in report.training_rows()] == [row.label for row in report.with_status("broken")]
    assert len(report.shown(1)) == 1
    assert "[[" in report.shown(1)[0]
    assert len(json.loads(json.dumps(report.lines()))) == len(rows)


def test_texts_without_words_and_longer_ones_than_the_model_reads(model):
    texts = ["", " ... !", "🙂", "good " * 60, "[MASK] [UNK]", "好看"]
    labels = [answer["label"] for answer in model.answer(texts)]
    for order in ("delete", "unk"):
        found = attack(model, list(zip(texts, labels, strict=True)), "typos", order=order).rows
        assert [row.words for row in found] == [0, 0, 0, 60, 2, 2]
        assert [row.status for row in found[:3]] == ["held"] * 3
        assert found[5].queries == 3


def test_the_same_seed_finds_the_same(model, rows):
    found = [attack(model, rows, "typos", seed=seed).rows for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]


def test_margins_are_differences_of_logits_far_beyond_what_probabilities_hold(model, rows):
    inputs = model.preprocessor([rows[0][0]])
    logits = model(inputs, training=False).numpy()[0].astype("float64")
    label = model.labels.index(rows[0][1])
    others = max(logit for at, logit in enumerate(logits) if at != label)
    report = attack(model, rows[:1], "homoglyphs")
    assert report.rows[0].margin == pytest.approx(logits[label] - others, abs=1e-4)


def test_one_text_of_a_pair():
    model = tiny.classifier(["no", "yes"], text_pair=True, seed=1)
    pairs = list(zip(tiny.TEXTS, tiny.PAIRS, strict=True))
    labels = [answer["label"] for answer in model.answer(pairs)]
    given = [(*pair, label) for pair, label in zip(pairs, labels, strict=True)]
    report = attack(model, given, "synonyms", synonyms=SYNONYMS, fields=["text_pair"])
    changes = [change for row in report.rows for change in row.changes]
    assert {change.field for change in changes} <= {"text_pair"}
    assert all(row.texts["text"] == row.attacked["text"] for row in report.rows)
    both = attack(model, given, "synonyms", synonyms=SYNONYMS)
    assert both.summary()["broken"] >= report.summary()["broken"]
    assert {change.field for row in both.rows for change in row.changes} == {"text", "text_pair"}
    assert set(both.lines()[0]) >= {"text", "text_pair", "attacked_text", "attacked_text_pair"}


def test_sentences_stay_alike(model, rows):
    embedder = tiny.embedder()
    free = attack(model, rows, "synonyms", synonyms=SYNONYMS)
    report = attack(model, rows, "synonyms", synonyms=SYNONYMS, embedder=embedder, similarity=0.98)
    assert report.summary()["broken"] < free.summary()["broken"]
    for row in report.with_status("broken"):
        vectors = embedder.embed([row.texts["text"], row.attacked["text"]])
        assert vectors[0] @ vectors[1] >= 0.98 * (vectors[0] @ vectors[0] * (vectors[1] @ vectors[1])) ** 0.5 - 1e-5


def test_the_first_rows_of_any_source(model, rows):
    texts, labels = zip(*rows, strict=True)
    found = keras_bert.data.rows(list(texts), list(labels))
    assert [row.row for row in attack(model, found, "typos", limit=2).rows] == [0, 1]


def test_markers_of_entities_stay():
    words = [*tiny.VOCABULARY, "<e1>", "</e1>", "<e2>", "</e2>"]
    preprocessor = keras_bert.BertPreprocessor(
        keras_bert.BertTokenizer(words), max_length=24, markers=("<e1>", "</e1>", "<e2>", "</e2>")
    )
    model = tiny.make(
        keras_bert.BertClassifier,
        ["no", "yes"],
        pooling="markers",
        preprocessor=preprocessor,
        config=tiny.config(vocab_size=len(words)),
    )
    text = "the <e1>good</e1> film was a <e2>bad</e2> book"
    label = model.answer([text])[0]["label"]
    (row,) = attack(model, [(text, label)], "typos").rows
    attacked = row.attacked["text"]
    assert all(marker in attacked for marker in ("<e1>", "</e1>", "<e2>", "</e2>"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "paraphrase"}, "no kind of attack 'paraphrase'; there are: typos, homoglyphs"),
        ({"kind": "synonyms"}, "kind='synonyms' needs synonyms=: a list of them"),
        ({"kind": "masked_words"}, "kind='masked_words' needs filler=: a BertPretrainer"),
        ({"kind": "typos", "synonyms": SYNONYMS}, "synonyms= is for kind='synonyms'; kind='typos' does not read it"),
        ({"similarity": 0.5}, "say embedder=, a BertEmbedder too"),
        ({"similarity": 1.5, "embedder": tiny.embedder}, "similarity 1.5: expected a cosine, from -1 to 1"),
        ({"similarity": 0.5, "embedder": object}, "compared by a BertEmbedder; a object makes no vectors"),
        ({"max_share": 0}, "max_share 0: expected a share above 0, up to 1"),
        ({"queries": 0}, "queries 0: expected 1 or more"),
        ({"limit": 0}, "limit 0: expected 1 or more rows"),
        ({"fields": ["text_pair"]}, "fields: 'text_pair' is none of the texts of a row, text"),
        ({"stop_words": "the"}, "stop_words is a list of words, received: 'the'"),
        ({"order": "up"}, "order 'up': expected one of delete, unk"),
        ({"batch_size": 0}, "batch_size 0: expected a whole number of 1 or more"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_arguments(model, rows, options: dict[str, Any], message: str):
    if callable(options.get("embedder")):
        options = {**options, "embedder": options["embedder"]()}
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        attack(model, rows, **{"kind": "typos", **options})


def test_bad_models_and_rows(model, rows):
    for made, name in ((tiny.regressor(), "BertRegressor"), (tiny.embedder(), "BertEmbedder")):
        with pytest.raises(InputError, match=f"attacks are on classifiers .BertClassifier.; a {name}"):
            attack(made, rows, "typos")
    several = tiny.classifier(problem_type="multi_label_classification")
    with pytest.raises(InputError, match="several labels a row"):
        attack(several, rows, "typos")
    with pytest.raises(InputError, match="the rows have no label"):
        attack(model, keras_bert.data.rows(["good film"]), "typos")
    with pytest.raises(InputError, match="'great'"):
        attack(model, [("good film", "great")], "typos")


def test_a_change_reads_as_json():
    assert json.loads(json.dumps(vars(Change("text", 0, 1, "a", 0, 2, "bb"))))["new_end"] == 2
