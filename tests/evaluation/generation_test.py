"""Against figures worked out by hand, and the libraries' own defaults where texts are plain English."""

import pytest

from keras_bert.errors import InputError
from keras_bert.evaluation.generation import baseline_scores, first_words, generation_scores, score_signatures

pytest.importorskip("sacrebleu", reason="needs the generate extra")
rouge_scorer = pytest.importorskip("rouge_score.rouge_scorer", reason="needs the generate extra")

ENGLISH = ["the cat sat on the mat", "A dog's bone: 3.5 kg!"]
RIGHT = [["the cat sat on a mat", "there is a cat"], ["a dog's bone, 3.5 kg"]]


def test_a_text_that_is_right_has_all_points():
    scores = generation_scores(["two dogs run on the beach ."], [["two dogs run  on the beach ."]])
    assert scores == pytest.approx(
        {"bleu": 100, "chrf": 100, "rouge_1": 100, "rouge_2": 100, "rouge_l": 100, "exact_match": 1}
    )


def test_rouge_is_the_library_own_for_ascii():
    peer = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"])
    expected = [peer.score_multi(right, text) for text, right in zip(ENGLISH, RIGHT, strict=True)]
    scores = generation_scores(ENGLISH, RIGHT)
    for name, key in (("rouge_1", "rouge1"), ("rouge_2", "rouge2"), ("rouge_l", "rougeL")):
        assert scores[name] == pytest.approx(50 * sum(one[key].fmeasure for one in expected))
    assert scores["rouge_l"] > 80


def test_the_best_of_several_references_counts_and_texts_may_have_unlike_numbers():
    scores = generation_scores(["a b c d", "e f g h"], [["x", "a b c d"], ["e f g h"]])
    assert (scores["bleu"], scores["exact_match"]) == (pytest.approx(100), 1)
    assert "nrefs:var" in score_signatures([["x", "a b c d"], ["e f g h"]])["bleu"]


def test_chinese_is_scored_by_characters():
    """rouge-score alone drops every ideograph, and 13a takes a line for one word."""
    scores = generation_scores(["两只狗在跑。"], [["两只猫在跑。"]])
    assert scores["rouge_1"] == pytest.approx(80)  # four of five characters; punctuation is none
    assert scores["rouge_2"] == pytest.approx(50)
    assert scores["bleu"] == pytest.approx(
        100 * (5 / 6 * 3 / 5 * 1 / 4 * 1 / 6) ** 0.25
    )  # 4-grams: none of 3, smoothed
    assert "tok:zh" in score_signatures([["两只猫在跑。"]])["bleu"]
    assert "tok:char" in score_signatures([["两只猫在跑。"]], "char")["bleu"]
    assert "tok:13a" in score_signatures([["Die Katze 猫"]])["bleu"]


def test_letters_with_accents_are_letters():
    assert generation_scores(["schöne Grüße"], [["schone Grüße"]])["rouge_1"] == pytest.approx(50)


def test_without_case():
    assert generation_scores(["a dog runs home"], [["A Dog runs home"]])["exact_match"] == 0
    scores = generation_scores(["a dog runs home"], [["A Dog runs home"]], lowercase=True)
    assert (scores["exact_match"], scores["bleu"]) == (1, pytest.approx(100))
    assert "case:lc" in score_signatures([["A Dog"]], lowercase=True)["bleu"]


def test_baselines():
    found = baseline_scores(["a b c d e f", "g h"], [["a b c d"], ["g h"]])
    assert found["first_words"]["words"] == 3  # of 4 and 2
    assert found["first_words"]["rouge_l"] == pytest.approx((600 / 7 + 100) / 2)
    assert found["copy"]["rouge_l"] == pytest.approx((80 + 100) / 2)
    assert first_words("", 3) == ""


def test_what_cannot_be_scored():
    for predictions, references in (([], []), (["a"], []), (["a"], [[]])):
        with pytest.raises(InputError, match=r"expected as many|without a reference"):
            generation_scores(predictions, references)
    with pytest.raises(InputError, match="bleu_tokenize is 'mecab'"):
        generation_scores(["a"], [["a"]], "mecab")
