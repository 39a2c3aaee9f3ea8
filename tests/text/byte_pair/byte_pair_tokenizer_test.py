"""BytePairTokenizer: the library's ids, offsets, special tokens, saving, in tf.data and in a SavedModel."""

import keras
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_bert.errors import InputError
from keras_bert.text import BertPreprocessor, BytePairTokenizer
from tests.text import byte_pair_peer

tokenizers = pytest.importorskip("tokenizers", reason="the peer")
VOCABULARY, MERGES = byte_pair_peer.learned()


@pytest.fixture(scope="module")
def tokenizer():
    return BytePairTokenizer(VOCABULARY, MERGES)


@pytest.fixture(scope="module")
def special():
    return BytePairTokenizer(VOCABULARY, MERGES, special_tokens_in_text=True)


@pytest.fixture(scope="module")
def uncased():
    return BytePairTokenizer(VOCABULARY, MERGES, lowercase=True)


@pytest.fixture(scope="module")
def peer():
    return byte_pair_peer.peer(VOCABULARY, MERGES)


def spans(text, starts, ends):
    data = text.encode() if isinstance(text, str) else text
    return [data[start:end] for start, end in zip(starts.numpy(), ends.numpy(), strict=True)]


alphabet = st.one_of(
    st.sampled_from("the cat sat didn't 今天我们 12 ! ' \n\t\u3000 ६ é 🙂 aaaa [SEP]"),
    st.characters(exclude_categories=["Cs"]),
)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet, max_size=40))
def test_ids_are_those_of_the_library_and_come_back_as_the_text(tokenizer, peer, text):
    ids = tokenizer(text)
    assert ids.numpy().tolist() == peer.encode(text).ids
    assert tokenizer.detokenize(ids).numpy().decode() == text


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=30))
def test_any_bytes_come_back(tokenizer, data):
    ids, starts, ends = tokenizer.tokenize_with_offsets(data)
    assert tokenizer.detokenize(ids).numpy() == data
    assert b"".join(spans(data, starts, ends)) == data


@pytest.mark.parametrize("folder", ["state_union/state_union.txt", "clue_small_zh/clue_small_zh.txt"])
def test_real_text(tokenizer, peer, shared_data, folder):
    lines = (shared_data / "pretraining" / folder).read_text(encoding="utf-8").split("\n")[::9]
    assert tokenizer(lines).to_list() == [encoding.ids for encoding in peer.encode_batch(lines)]


def test_result_types(tokenizer):
    ragged = tokenizer(["the", "the cat"])
    assert isinstance(ragged, tf.RaggedTensor)
    assert ragged.dtype == tf.int32
    assert tokenizer("the").numpy().tolist() == ragged[0].numpy().tolist()
    assert tokenizer(tf.constant([], tf.string)).to_list() == []
    assert tokenizer(tf.ragged.constant([["the"], []])).to_list() == [[ragged[0].numpy().tolist()], []]
    with pytest.raises(InputError, match="a string or strings"):
        tokenizer([["a"]])
    symbolic = tokenizer(keras.Input((), dtype="string"))
    assert (symbolic.shape, symbolic.dtype) == ((None, None), "int32")


def test_special_tokens_are_attributes(tokenizer):
    names = ("pad", "unk", "cls", "sep", "mask")
    assert [getattr(tokenizer, f"{name}_token") for name in names] == byte_pair_peer.SPECIAL
    assert [getattr(tokenizer, f"{name}_token_id") for name in names] == [0, 1, 2, 3, 4]
    assert tokenizer.vocabulary_size == len(VOCABULARY)
    assert tokenizer.get_vocabulary() == list(VOCABULARY)
    assert tokenizer.get_merges() == list(MERGES)
    assert tokenizer.id_to_token(tokenizer.token_to_id("Ġt")) == "Ġt"


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.sampled_from([*byte_pair_peer.SPECIAL, "the", " ", "[", "中"]), alphabet), max_size=20))
def test_special_tokens_in_the_text_on_request(special, tokenizer, parts):
    text = "".join(parts)
    full = tokenizers.Tokenizer.from_str(byte_pair_peer.peer(VOCABULARY, MERGES).to_str())
    full.add_special_tokens(byte_pair_peer.SPECIAL)
    ids, starts, ends = special.tokenize_with_offsets(text)
    assert ids.numpy().tolist() == full.encode(text).ids == special(text).numpy().tolist()
    assert b"".join(spans(text, starts, ends)) == text.encode()
    assert special.detokenize(ids, skip_special_tokens=False).numpy().decode() == text
    assert not set(tokenizer(text).numpy().tolist()) & {0, 1, 2, 3, 4}


def test_detokenize_leaves_special_tokens_out(special):
    ids = special("[CLS]the cat[SEP][PAD]")
    assert special.detokenize(ids).numpy() == b"the cat"
    assert special.detokenize([ids.numpy().tolist()], skip_special_tokens=False).numpy()[0] == b"[CLS]the cat[SEP][PAD]"


def test_normalized_text(uncased, peer):
    texts = ["THE Cat\tsat", "Été\u200b \x00Ǆ", "今天ABC"]
    normalizer = tokenizers.normalizers.BertNormalizer(handle_chinese_chars=False, lowercase=True)
    assert uncased(texts).to_list() == [peer.encode(normalizer.normalize_str(text)).ids for text in texts]


def test_offsets_of_normalized_text_are_places_in_the_original(uncased):
    text = "É\u200bte\u0301  THE [SEP]"
    ids, starts, ends = uncased.tokenize_with_offsets(text)
    found = list(zip([uncased.id_to_token(i) for i in ids.numpy().tolist()], spans(text, starts, ends), strict=True))
    assert "".join(piece for piece, _ in found) == "eteĠĠtheĠ[sep]"
    assert dict(found)["Ġthe"] == b" THE"
    assert b"".join(span for _, span in found).decode() == text


def test_special_tokens_in_normalized_text():
    tokenizer = BytePairTokenizer(VOCABULARY, MERGES, lowercase=True, special_tokens_in_text=True)
    text = "THE É[SEP]The[mask]"
    ids, starts, ends = tokenizer.tokenize_with_offsets(text)
    assert ids.numpy().tolist().count(tokenizer.sep_token_id) == 1
    assert spans(text, starts, ends)[ids.numpy().tolist().index(tokenizer.sep_token_id)] == b"[SEP]"
    assert tokenizer.detokenize(ids, skip_special_tokens=False).numpy() == b"the e[SEP]the[mask]"


def test_it_is_saved_inside_a_keras_file(tmp_path):
    tokenizer = BytePairTokenizer(VOCABULARY, MERGES, True, False, True, name="mine")
    preprocessor = BertPreprocessor(tokenizer, max_length=12, padding="max_length")
    text = keras.Input((), dtype="string")
    keras.Model(text, preprocessor(text)).save(tmp_path / "model.keras")
    model = keras.saving.load_model(tmp_path / "model.keras")
    texts = ["The CAT é [SEP] x"]
    expected = preprocessor(texts)
    for name, value in model(tf.constant(texts)).items():
        assert value.numpy().tolist() == expected[name].numpy().tolist()
    again = BytePairTokenizer.from_config(tokenizer.get_config())
    assert again.get_config() == tokenizer.get_config()


def test_in_tf_data_and_in_a_saved_model(tokenizer, tmp_path):
    preprocessor = BertPreprocessor(tokenizer, max_length=16)
    texts = ["The cat", "今天我们去公园", "", "they've"]
    expected = preprocessor(texts)
    rows = tf.data.Dataset.from_tensor_slices(texts).batch(2).map(tokenizer, num_parallel_calls=2).unbatch()
    assert [row.numpy().tolist() for row in rows] == tokenizer(texts).to_list()

    module = tf.Module()
    module.preprocessor = preprocessor
    module.serve = tf.function(preprocessor.call, input_signature=[tf.TensorSpec([None], tf.string)])
    tf.saved_model.save(module, str(tmp_path / "export"))
    served = tf.saved_model.load(str(tmp_path / "export")).serve(tf.constant(texts))
    for name, value in served.items():
        assert value.numpy().tolist() == expected[name].numpy().tolist()


def test_packing_a_pair(tokenizer):
    packed = BertPreprocessor(tokenizer, max_length=8)("the cat", "sat on the mat")
    ids = packed["token_ids"].numpy().tolist()
    assert (ids[0], ids[-1]) == (tokenizer.cls_token_id, tokenizer.sep_token_id)
    assert packed["segment_ids"].numpy().tolist() == [0] * 4 + [1] * 4


@pytest.mark.parametrize(
    ("vocabulary", "merges", "message"),
    [
        (VOCABULARY[1:], MERGES, r"no \[PAD\] among"),
        (VOCABULARY[:200], [], "of the 256 bytes"),
        (VOCABULARY, [*MERGES, "[SEP ]"], r"makes \[SEP\]"),
        ("missing/vocab.json", MERGES, r"missing/vocab\.json: cannot be read"),
        (VOCABULARY, "missing/merges.txt", r"missing/merges\.txt: cannot be read"),
    ],
)
def test_bad_input(vocabulary, merges, message):
    with pytest.raises(InputError, match=message):
        BytePairTokenizer(vocabulary, merges)
