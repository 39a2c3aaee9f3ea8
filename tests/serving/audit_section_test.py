"""The section of a model card: what strangers wrote stays text, and the rest of the card stays as it is."""

from keras_bert.config import BertConfig
from keras_bert.serving.audit_section import audit_section, with_audits
from keras_bert.serving.model_card import model_card

FOUND = {
    "groups": {"rows": "dev.tsv", "summary": {"accuracy of <b>": "90.0 % [80.0, 95.0]"}, "warnings": ["few | rows"]}
}


def test_text_of_others_is_no_markup():
    text = audit_section(FOUND)
    assert "\\<b\\>" in text
    assert "- few \\| rows" in text
    assert "### Groups" in text
    assert "no verdict" in text


def test_a_new_card_has_it_before_its_limits():
    card = model_card("BertClassifier", BertConfig(), {}, {"audit": FOUND})
    assert 0 < card.index("## Metrics") < card.index("## Audit") < card.index("## Limits")
    assert "## Audit" not in model_card("BertClassifier", BertConfig(), {}, {})


def test_a_written_card_keeps_what_its_owner_wrote():
    own = "# Mine\n\nOwn words.\n\n## Limits\n\nMany.\n\n## Thanks\n\nTo all.\n"
    once = with_audits(own, FOUND)
    assert once.replace(once[once.index("## Audit") : once.index("## Limits")], "") == own
    more = {**FOUND, "pairs": {"rows": "pairs.csv", "summary": {"score": "52 \\1"}}}
    twice = with_audits(once, more)
    assert twice.count("## Audit") == 1
    assert "### Pairs" in twice
    assert "52 \\\\1" in twice
    assert twice.endswith("## Thanks\n\nTo all.\n")


def test_a_card_without_limits_gets_it_at_the_end():
    assert with_audits("# Mine\n", FOUND).startswith("# Mine\n\n## Audit\n")
    assert with_audits("", FOUND) == with_audits(with_audits("", FOUND), FOUND)
