"""Added tokens in texts: ids and places are those of the `tokenizers` library."""

import dataclasses
import itertools
import random
from typing import Any

import keras
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.text.added_tokens import AddedToken, beyond_the_model, read_added_tokens
from keras_bert.text.byte_pair.byte_pair_tokenizer import BytePairTokenizer
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.token_layer import TokenLayer
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from tests.text.byte_level import byte_level

tokenizers = pytest.importorskip("tokenizers", reason="the peer")

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PIECES = [*SPECIAL, *"abcdefuxyz[]<>!é中1", *(f"##{letter}" for letter in "abcdefuxyz1"), "user"]
CONTENTS = ["[E1]", "<user>", "<user>!", "Ab", "ab", "é", "<É>", "x y", "中", " b", "abc"]
ALPHABET = [
    "a",
    "b",
    "ab",
    "Ab",
    "AB",
    "é",
    "É",
    "e\u0301",
    "<",
    ">",
    "<user>",
    "<É>",
    "[E1]",
    "[e1]",
    "x y",
    "中",
    "1",
]
ALPHABET += [" ", "  ", "\t", "\u3000", "!", "_", "\u200d", "abc", "x", "[SEP]", "\x00", "zz"]


def pair(tokens: list[AddedToken], byte_pairs: bool, lowercase: bool) -> tuple[TokenLayer, Any]:
    """Our tokenizer and the library's, with the same added tokens; special ones in the text are plain text to both."""
    added = [
        tokenizers.AddedToken(**{**dataclasses.asdict(token), "normalized": token.in_normalized_text})
        for token in tokens
    ]
    normalizer = tokenizers.normalizers.BertNormalizer(lowercase=lowercase, handle_chinese_chars=not byte_pairs)
    if byte_pairs:
        plain = byte_level("user", "ab", lowercase=lowercase)
        vocabulary, merges = plain.get_vocabulary(), plain.get_merges()
        ids = {token: index for index, token in enumerate(vocabulary)}
        theirs = tokenizers.Tokenizer(tokenizers.models.BPE(ids, [tuple(merge.split(" ")) for merge in merges]))
        theirs.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
        if lowercase:
            theirs.normalizer = normalizer
    else:
        vocabulary = PIECES
        ids = {token: index for index, token in enumerate(vocabulary)}
        theirs = tokenizers.Tokenizer(tokenizers.models.WordPiece(ids, unk_token="[UNK]"))
        theirs.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
        theirs.normalizer = normalizer
    theirs.add_tokens(added)
    new = [token.content for token in tokens if token.content not in vocabulary]
    assert [theirs.token_to_id(content) for content in new] == [*range(len(vocabulary), len(vocabulary) + len(new))]
    if byte_pairs:
        return BytePairTokenizer([*vocabulary, *new], merges, lowercase, added_tokens=tokens), theirs
    return BertTokenizer([*vocabulary, *new], lowercase, added_tokens=tokens), theirs


def check(ours: TokenLayer, theirs: Any, texts: list[str]) -> None:
    ids, starts, ends = (tensor.to_list() for tensor in ours.tokenize_with_offsets(texts))
    assert ids == ours(texts).to_list()
    # Our spans cover what normalization drops behind a token, theirs the blanks that it puts around ideographs.
    dropped = set("\u0301\x00\u200d中")
    for text, row, first, last in zip(texts, ids, starts, ends, strict=True):
        expected = theirs.encode(text, add_special_tokens=False)
        assert row == expected.ids, (text, expected.tokens)
        data = text.encode()
        added = {ours.token_to_id(token.content) for token in ours.added_tokens}
        for token, start, end, place in zip(row, first, last, expected.offsets, strict=True):
            if token in added and dropped.isdisjoint(text):
                assert data[start:end].decode() == text[slice(*place)], text


SLOW_BYTES = pytest.param(True, marks=pytest.mark.slow)


@pytest.mark.parametrize("byte_pairs", [False, SLOW_BYTES], ids=["pieces", "bytes"])
@pytest.mark.parametrize("lowercase", [False, True], ids=["cased", "uncased"])
def test_any_tokens_in_any_text(byte_pairs: bool, lowercase: bool):
    rng = random.Random(byte_pairs * 2 + lowercase)
    for _ in range(2 if byte_pairs else 6):
        tokens = [
            # With word pieces, blanks at an edge are not for normalized text.
            AddedToken(
                content,
                *(rng.random() < 0.3 for _ in range(3)),
                normalized=rng.random() < 0.5 and (byte_pairs or content == content.strip()),
            )
            for content in rng.sample(CONTENTS, 4)
        ]
        ours, theirs = pair(tokens, byte_pairs, lowercase)
        check(ours, theirs, ["".join(rng.choices(ALPHABET, k=rng.randint(0, 12))) for _ in range(150)])


@pytest.mark.parametrize("byte_pairs", [False, SLOW_BYTES], ids=["pieces", "bytes"])
def test_each_setting_by_hand(byte_pairs: bool):
    texts = [
        "ab",
        "xab",
        "ab1",
        "ab ab",
        " ab\u3000ab!",
        "x  ab  x",
        "ab_",
        "(ab)",
        "AB",
        "中ab中",
        "ab\u200d",
        "\n ab \n ab",
    ]
    ways = list(itertools.product([False, True], repeat=4))
    for single_word, lstrip, rstrip, normalized in ways[5::5] if byte_pairs else ways:
        tokens = [AddedToken("ab", single_word, lstrip, rstrip, normalized), AddedToken("!", normalized=False)]
        check(*pair(tokens, byte_pairs, lowercase=True), texts)


def test_markers_and_names_are_one_token():
    tokenizer = BertTokenizer(
        [*PIECES, "[E1]", "<user>"], added_tokens=["[E1]", {"content": "<user>", "id": len(PIECES) + 1}]
    )
    found = [tokenizer.id_to_token(token) for token in tokenizer("ab[E1]ab <USER> <u> [e1]").numpy()]
    assert found == ["a", "##b", "[E1]", "a", "##b", "<user>", "<", "u", ">", "[E1]"]
    assert BertTokenizer([*PIECES, "<user>"])("<user>").numpy().tolist() == [
        PIECES.index(token) for token in ("<", "user", ">")
    ]


def test_bert_s_own_special_tokens_count_on_request_only():
    tokens = [AddedToken("[MASK]", lstrip=True, special=True), "<user>"]
    for wanted, expected in ((False, ["[", "[UNK]", "]", "<user>"]), (True, ["[MASK]", "<user>"])):
        tokenizer = BertTokenizer([*PIECES, "<user>"], added_tokens=tokens, special_tokens_in_text=wanted)
        ids, starts, _ = tokenizer.tokenize_with_offsets("  [MASK]<user>")
        assert [tokenizer.id_to_token(token) for token in ids.numpy()] == expected
        assert starts.numpy()[0] == (0 if wanted else 2)


@pytest.mark.parametrize(
    "byte_pairs", [pytest.param(False, id="pieces"), pytest.param(True, id="bytes", marks=pytest.mark.slow)]
)
def test_config_ragged_input_detokenizing_and_graphs(byte_pairs: bool, tmp_path):
    tokens = [AddedToken("<user>", lstrip=True), AddedToken("<É>", special=True, single_word=True)]
    ours, _ = pair(tokens, byte_pairs, lowercase=False)
    again = type(ours).from_config(ours.get_config())
    assert again.get_config() == ours.get_config()
    assert again.added_tokens == ours.added_tokens
    assert [token.normalized for token in ours.added_tokens] == [True, False]
    texts = ["ab <user>ab", "<É> ab", ""]
    expected = ours(texts).to_list()
    assert again(tf.ragged.constant([texts[:2], texts[2:]])).to_list() == [expected[:2], expected[2:]]
    ids = ours(texts)
    assert [text.decode() for text in ours.detokenize(ids).numpy()] == (
        ["ab<user>ab", " ab", ""] if byte_pairs else ["ab <user> ab", "ab", ""]
    )
    assert "<É>" in ours.detokenize(ids, skip_special_tokens=False).numpy()[1].decode()

    text = keras.Input((), dtype="string")
    model = keras.Model(text, BertPreprocessor(ours, max_length=16)(text))
    model.save(tmp_path / "model.keras")
    opened = keras.saving.load_model(tmp_path / "model.keras")
    tf.debugging.assert_equal(opened(tf.constant(texts))["token_ids"], model(tf.constant(texts))["token_ids"])


def test_many_tokens_cost_no_matrix():
    many = [f"<extra_{number}>" for number in range(2000)]
    tokenizer = BertTokenizer([*PIECES, *many], added_tokens=many)
    texts = ["".join(f"a<extra_{number}>" for number in range(row, row + 50)) for row in range(200)]
    ids = tokenizer(texts).to_list()
    assert ids[7] == [value for number in range(7, 57) for value in (PIECES.index("a"), len(PIECES) + number)]


def test_what_the_vocabulary_has_for_being_added_only():
    assert beyond_the_model([AddedToken("the"), AddedToken("<b>"), AddedToken("c")], ["the", "a", "<b>", "c"]) == {
        "<b>",
        "c",
    }
    assert beyond_the_model([AddedToken("the")], ["the", "a"]) == set()
    spare = ["the", "a", "[unused_1]", "<b>", "[unused_2]", "c", "[unused_3]"]
    assert beyond_the_model([AddedToken("<b>"), AddedToken("c")], spare) == {"<b>", "c"}


@pytest.mark.parametrize("content", [" x", "x ", " [E1]", "x\u3000"])
def test_blanks_at_an_edge_are_for_text_as_written(content: str):
    for flags in itertools.product([False, True], repeat=3):
        tokens = [AddedToken(content, *flags, normalized=False)]
        check(*pair(tokens, byte_pairs=False, lowercase=True), ["中x中", "中 x 中", "中 [E1]中", "x\u3000中 x"])
    with pytest.raises(InputError, match=r"has a blank at its edge .* give it normalized=False"):
        BertTokenizer([*PIECES, content], added_tokens=[content])


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ("<user>", "must be a list"),
        (["<nobody>"], "'<nobody>' is no entry of the vocabulary"),
        ([""], "is no entry"),
        (["a", "a"], "'a' is there twice"),
        ([7], "7 is neither"),
        ([{"content": "a", "id": 3}], "'a' has id 3, but 5 in the vocabulary"),
        ([{"content": "a", "lstrip": "no"}], "true or false"),
        ([{"content": "a", "strip": True}], "expected content"),
    ],
)
def test_what_is_refused(tokens: Any, message: str):
    with pytest.raises(InputError, match=message):
        read_added_tokens(tokens, {token: index for index, token in enumerate(PIECES)})
