"""Sentence ends by rule, in several scripts."""

import pytest

from keras_bert.data.pretraining.sentences import sentence_spans, split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", []),
        ("no end", ["no end"]),
        ("One. Two? Three! ", ["One.", "Two?", "Three!"]),
        ('He said "No." Then he left.', ['He said "No."', "Then he left."]),
        ("Dr. Li met J. Smith, e.g. at 5 p.m. today.", ["Dr. Li met J. Smith, e.g. at 5 p.m. today."]),
        ("It cost 3.50 euros... and more. 2026 came.", ["It cost 3.50 euros... and more.", "2026 came."]),
        ("A title\nand a line. Another.", ["A title", "and a line.", "Another."]),
        ("他走了。“我不走！”她说？好", ["他走了。", "“我不走！”", "她说？", "好"]),
        ("यह एक वाक्य है। दूसरा वाक्य।", ["यह एक वाक्य है।", "दूसरा वाक्य।"]),
        ("Ποιος; Εγώ. Ναι.", ["Ποιος; Εγώ.", "Ναι."]),
        ("هل جاء؟ نعم.", ["هل جاء؟", "نعم."]),
        ("«Да». Он ушёл.", ["«Да».", "Он ушёл."]),
    ],
)
def test_sentences(text: str, sentences: list[str]):
    assert split_sentences(text) == sentences


def test_nothing_but_white_space_is_lost():
    text = 'Mr. A. B. said: (yes!) "no"... 中。文  x'
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One\ntwo. Three.\n\n\nFour", ["One\ntwo.", "Three.", "Four"]),
        ("a\r\nb\r\n \t\r\nc", ["a\r\nb", "c"]),
        ("他走了。\n我不走", ["他走了。", "我不走"]),
        ("\n\n \n", []),
    ],
)
def test_of_broken_lines_only_empty_ones_end_a_sentence(text: str, sentences: list[str]):
    assert [text[start:end] for start, end in sentence_spans(text, line_ends=False)] == sentences


@pytest.mark.parametrize(
    "text",
    ["." * 300_000 + "x", "A cat. " * 100_000, '?"' * 200_000, "。" * 300_000],
    ids=["dots", "sentences", "closing", "full width"],
)
def test_long_lines_take_no_more_than_their_time(text: str):
    """Where each mark looks at all that follow, 300,000 dots take a quarter of an hour."""
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())
