"""The shipped normalizer models are what the builder builds, and do what the rule says."""

import sys
import unicodedata

import pytest
import tensorflow as tf
import tensorflow_text as tf_text

from keras_bert.text import normalizer_model

KINDS = [(False, False), (False, True), (True, False), (True, True)]

same_unicode = pytest.mark.skipif(
    unicodedata.unidata_version != normalizer_model.UNICODE_VERSION,
    reason=f"the models are of Unicode {normalizer_model.UNICODE_VERSION}, this Python has another",
)


@same_unicode
@pytest.mark.parametrize(("lowercase", "strip_accents"), KINDS)
def test_shipped_models_rebuild_byte_for_byte(lowercase, strip_accents):
    built = normalizer_model.build(lowercase, strip_accents)
    assert built == normalizer_model.load(lowercase, strip_accents).tobytes()


@same_unicode
@pytest.mark.parametrize(("lowercase", "strip_accents"), KINDS)
def test_every_code_point_becomes_what_the_rule_says(lowercase, strip_accents):
    model = tf.constant(normalizer_model.load(lowercase, strip_accents))
    normalizer = tf_text.FastBertNormalizer(model_buffer=model)
    # Unassigned and private-use characters of the upper planes are left alone: see build().
    characters = [
        chr(code) for code in range(min(sys.maxunicode, 0xEFFFF)) if unicodedata.category(chr(code)) not in ("Cs", "Cn")
    ]
    normalized = normalizer.normalize(tf.constant([character.encode() for character in characters])).numpy()
    wrong = [
        f"U+{ord(character):04X}"
        for character, result in zip(characters, normalized, strict=True)
        if result.decode() != normalizer_model.normalize_character(character, lowercase, strip_accents)
    ]
    assert not wrong, wrong[:10]


def test_the_rule_on_known_characters():
    uncased = {"É": "e", "ß": "ß", "，": "，", "½": "½", "İ": "i", "Σ": "σ", "\u200d": "", "\u3000": " ", "й": "и"}
    for character, expected in uncased.items():
        assert normalizer_model.normalize_character(character, True, True) == expected
    cased = {"É": "É", "\x07": "", "\ufffd": "", "\t": " ", "\u2028": " "}
    for character, expected in cased.items():
        assert normalizer_model.normalize_character(character, False, False) == expected
