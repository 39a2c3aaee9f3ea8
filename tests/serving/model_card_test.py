"""The card says what it was told, says what it was not told, and is Markdown that hubs can read."""

import itertools

import keras
import markdown_it
import pytest
import tensorflow as tf
import yaml

from keras_bert.config import BertConfig
from keras_bert.serving import model_card
from keras_bert.version import __version__
from tests.tasks import tiny

FACTS = {
    "preset": "hf://org/bert",
    "data": {"train": "train.tsv, 67349 rows", "dev": "dev.tsv | 872 rows"},
    "metrics": {"dev accuracy": 0.912345, "dev f1": 1e-07},
    "training": {"epochs": 3, "layer_decay": None, "notes": "two\nlines"},
    "license": "apache-2.0",
}


def sections(card: str) -> dict[str, str]:
    head, *parts = card.split("\n## ")
    return {"": head, **dict(part.split("\n", 1) for part in parts)}


def test_every_fact_is_in_its_section():
    card = sections(model_card("BertClassifier", BertConfig(), tiny.classifier().metadata(), FACTS))
    assert list(card)[1:] == ["Data", "Metrics", "Training", "Architecture", "Versions", "Limits"]
    assert "# BertClassifier\n" in card[""]
    assert "head for single label classification, classes: `negative`, `neutral`, `positive`." in card[""]
    assert "Started from: hf://org/bert." in card[""]
    assert "| train | train.tsv, 67349 rows |" in card["Data"]
    assert "| dev | dev.tsv \\| 872 rows |" in card["Data"], "a pipe would end the cell"
    assert "| dev accuracy | 0.9123 |" in card["Metrics"]
    assert "| dev f1 | 1e-07 |" in card["Metrics"]
    assert "| epochs | 3 |" in card["Training"]
    assert "| notes | two\\\\nlines |" in card["Training"], "a line break would end the table"
    assert "| hidden_size | 768 |" in card["Architecture"]
    assert f"| keras_bert | {__version__} |" in card["Versions"]
    assert f"| tensorflow | {tf.__version__} |" in card["Versions"]
    assert f"| keras | {keras.__version__} |" in card["Versions"]
    assert "cut off" in card["Limits"]


def test_what_is_not_known_is_said_to_be_missing():
    card = sections(model_card("BertRegressor", BertConfig(), tiny.regressor().metadata(), {}))
    assert "head for regression, one number a text." in card[""]
    assert "Started from: not recorded." in card[""]
    missing = {title: card[title].strip() for title in ("Data", "Metrics", "Training")}
    assert missing == {"Data": "Not recorded.", "Metrics": "Not measured.", "Training": "Not recorded."}


def test_the_head_of_the_file_is_yaml():
    for facts, license_name in ((FACTS, "apache-2.0"), ({}, None)):
        card = model_card("BertClassifier", BertConfig(), {}, facts)
        fields = yaml.safe_load(card.split("---")[1])
        assert fields["tags"] == ["bert", "keras_bert"]
        assert fields.get("license") == license_name


def test_many_classes_are_counted_not_listed():
    labels = {str(index): f"intent {index}" for index in range(150)}
    card = model_card("BertClassifier", BertConfig(), {"id2label": labels}, {})
    assert "`intent 19`, ... (150)." in card
    assert "intent 20" not in card


def test_what_others_wrote_is_text():
    """No markup, no link, no HTML, no further key of the head, no line of its own, whatever a label or a path holds."""
    nasty = "x`\n---\n# h\n<script>alert(1)</script> | [a](http://b) \x1b[31m"
    facts = {
        name: {nasty: nasty, "n": float("nan"), "m": {"k": float("nan")}} for name in ("data", "metrics", "training")
    }
    labels = {"id2label": {"0": nasty, "1": "no"}}
    card = model_card("BertClassifier", BertConfig(), labels, {**facts, "preset": nasty, "license": f"no\nx: {nasty}"})
    head = yaml.safe_load(card.split("\n---\n")[0].removeprefix("---\n"))
    assert list(head) == ["library_name", "tags", "license"]
    parser = markdown_it.MarkdownIt("commonmark", {"html": True}).enable("table")
    tokens = parser.parse(card.split("\n---\n", 1)[1])
    inner = [child for token in tokens for child in token.children or ()]
    assert not {"html_block", "fence"} & {token.type for token in tokens}
    assert not {"html_inline", "link_open", "image"} & {child.type for child in inner}
    headings = [after.content for token, after in itertools.pairwise(tokens) if token.type == "heading_open"]
    assert headings == ["BertClassifier", "Data", "Metrics", "Training", "Architecture", "Versions", "Limits"]
    shown = "".join(child.content for child in inner)
    assert shown.count(r"x`\n---\n# h\n<script>alert(1)</script> | [a](http://b) \x1b[31m") == 8
    assert "NaN" not in card
    assert "\x1b" not in card


@pytest.mark.parametrize("facts", [{"data": 5}, {"metrics": [1]}, {"training": "x"}, {"preset": None}])
def test_facts_of_another_kind_are_shown(facts):
    """As a stranger's `keras_bert.json` may have them."""
    assert str(*facts.values()).strip("[]") in model_card("BertRegressor", BertConfig(), {}, facts)
