"""Which tokenizer the files ask for, and that one which this package has not is refused."""

import json

import pytest

from keras_bert.checkpoints import open_tokenizer
from keras_bert.checkpoints.tokenizer_files import make_tokenizer, read_tokenizer_files, write_tokenizer_files
from keras_bert.errors import InputError
from keras_bert.text import AddedToken, BertTokenizer, BytePairTokenizer
from keras_bert.text.byte_pair.byte_words import byte_characters
from tests.checkpoints import small

NORMALIZER = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None}


def fast(lowercase=False, entries=small.ENTRIES, added=(), **normalizer):
    """The parts of a tokenizer.json that count."""
    return {
        "added_tokens": [{"id": index, "content": token} for index, token in added],
        "normalizer": {**NORMALIZER, "lowercase": lowercase, **normalizer},
        "model": {
            "type": "WordPiece",
            "continuing_subword_prefix": "##",
            "vocab": {token: index for index, token in enumerate(entries)},
        },
    }


@pytest.fixture
def write(tmp_path):
    def write(vocabulary=True, **files):
        if vocabulary:
            small.write_vocabulary(tmp_path)
        for name, fields in files.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(fields), encoding="utf-8")
        return tmp_path

    return write


@pytest.mark.parametrize(
    ("config", "tokenizer", "lowercase", "note"),
    [
        ({"do_lower_case": False}, None, False, None),
        ({"do_lower_case": True}, fast(lowercase=True), True, None),
        ({"do_lower_case": True}, fast(lowercase=False), True, "against False in tokenizer.json"),
        ({}, fast(lowercase=False), False, "tokenizer.json says so"),
        ({}, None, True, "default of transformers"),
    ],
)
def test_lowercase(write, config, tokenizer, lowercase, note):
    files = {"tokenizer_config": config} | ({"tokenizer": tokenizer} if tokenizer else {})
    read = read_tokenizer_files(write(**files))
    assert read.lowercase is lowercase
    assert [note in line for line in read.notes] == ([True] if note else [])


def test_strip_accents(write):
    config = {"do_lower_case": True}
    assert read_tokenizer_files(write(tokenizer_config=config)).strip_accents is None
    assert read_tokenizer_files(write(tokenizer_config={**config, "strip_accents": False})).strip_accents is False
    read = read_tokenizer_files(write(tokenizer_config=config, tokenizer=fast(True, strip_accents=False)))
    assert read.strip_accents is False


def test_the_vocabulary_of_a_folder_that_transformers_5_wrote(write):
    read = read_tokenizer_files(write(vocabulary=False, tokenizer_config={"do_lower_case": True}, tokenizer=fast(True)))
    assert read.vocabulary == small.ENTRIES


def test_no_vocabulary_is_noted(write):
    read = read_tokenizer_files(write(vocabulary=False, tokenizer_config={"do_lower_case": True}))
    assert read.vocabulary is None
    assert "no tokenizer" in read.notes[0]


def test_added_tokens_keep_their_ids(write):
    config = {"do_lower_case": True}
    folder = write(tokenizer_config=config, added_tokens={"[E2]": 21, "[E1]": 20, "[PAD]": 0})
    read = read_tokenizer_files(folder)
    assert read.vocabulary == [*small.ENTRIES, "[E1]", "[E2]"]
    assert read.notes == []
    tokenizer = open_tokenizer(folder)
    assert tokenizer("[e1][E2]").numpy().tolist() == [20, 21]
    assert [token.content for token in tokenizer.added_tokens] == ["[E1]", "[E2]"]
    (folder / "added_tokens.json").unlink()
    read = read_tokenizer_files(
        write(tokenizer_config=config, tokenizer=fast(True, added=[(0, "[PAD]"), (20, "[E1]")]))
    )
    assert read.vocabulary == [*small.ENTRIES, "[E1]"]
    assert [fields["content"] for fields in read.added_tokens] == ["[E1]"]


@pytest.mark.parametrize(
    "files",
    [
        {"added_tokens": {"[E1]": 22, "<b>": 24}},
        {"tokenizer": fast(True, added=[(0, "[PAD]"), (22, "[E1]"), (24, "<b>")])},
        {"tokenizer_config": {"added_tokens_decoder": {"24": {"content": "<b>"}, "22": {"content": "[E1]"}}}},
    ],
    ids=lambda files: next(iter(files)),
)
def test_ids_that_no_token_has_are_spare_or_refused(write, files):
    folder = write(**{"tokenizer_config": {"do_lower_case": True}, **files})
    with pytest.raises(InputError, match=r"no token has the id 20; .*pad_vocabulary=True, --pad_v"):
        read_tokenizer_files(folder)
    tokenizer = open_tokenizer(folder, pad_vocabulary=True)
    assert tokenizer.get_vocabulary()[20:] == ["[unused_1]", "[unused_2]", "[E1]", "[unused_3]", "<b>"]
    assert tokenizer("a[E1]<b>").numpy().tolist() == [5, 22, 24]


def test_ids_of_a_tokenizer_json_have_no_gaps_either(write):
    entries = fast(True)
    entries["model"]["vocab"]["p"] = 21
    folder = write(vocabulary=False, tokenizer_config={"do_lower_case": True}, tokenizer=entries)
    with pytest.raises(InputError, match="no token has the id 20"):
        read_tokenizer_files(folder)
    assert read_tokenizer_files(folder, pad_vocabulary=True).vocabulary == [*small.ENTRIES, "[unused_1]", "p"]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ({"a": 7}, "'a' has id 7, but 5 in the voc"),
        ({"x": 7}, "count on from 20, each"),
        ({"x": 20, "y": 20}, "each with one token"),
        ({"x": 1 << 40}, "no vocab"),
    ],
)
def test_ids_that_make_no_vocabulary(write, ids, message):
    with pytest.raises(InputError, match=message):
        read_tokenizer_files(write(added_tokens=ids), pad_vocabulary=True)


def test_byte_pairs_get_the_added_tokens_that_their_vocabulary_lacks(tmp_path):
    write_byte_pairs(tmp_path)
    added = [
        *json.loads((tmp_path / "tokenizer.json").read_text())["added_tokens"],
        {"id": len(BYTES), "content": "<u>"},
    ]
    change_json(tmp_path / "tokenizer.json", added_tokens=added)
    assert open_tokenizer(tmp_path)("ab<u>").numpy().tolist() == [BYTES.index("ab"), len(BYTES)]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"tokenizer_class": "RobertaTokenizerFast"}, "tokenizer_class is RobertaTokenizer"),
        ({"tokenizer_class": "BertJapaneseTokenizer"}, "tokenizer_class is BertJapaneseTokenizer"),
        ({"tokenize_chinese_chars": False}, "tokenize_chinese_chars is False"),
        ({"do_basic_tokenize": False}, "do_basic_tokenize is False"),
        ({"cls_token": "<s>"}, r"cls_token is '<s>', expected '\[CLS\]'"),
        ({"mask_token": {"content": "<mask>"}}, r"mask_token is '<mask>', expected '\[MASK\]'"),
    ],
)
def test_another_tokenizer_is_refused(write, config, message):
    with pytest.raises(InputError, match=r"tokenizer_config\.json: " + message):
        read_tokenizer_files(write(tokenizer_config=config))


@pytest.mark.parametrize("name", ["BertTokenizer", "BertTokenizerFast", "PreTrainedTokenizerFast", None])
def test_berts_tokenizer_has_many_names(write, name):
    config = {"do_lower_case": False, "tokenizer_class": name, "cls_token": {"content": "[CLS]"}}
    assert read_tokenizer_files(write(tokenizer_config=config)).vocabulary == small.ENTRIES


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": {"type": "BPE"}}, "a BPE model; expected WordPiece"),
        ({"normalizer": {"type": "Lowercase"}}, "the normalizer is Lowercase"),
        ({"normalizer": None}, "the normalizer is None"),
        ({"normalizer": {**NORMALIZER, "handle_chinese_chars": False}}, "handle_chinese_chars is False"),
    ],
)
def test_another_tokenizer_json_is_refused(write, change, message):
    with pytest.raises(InputError, match=r"tokenizer\.json: " + message):
        read_tokenizer_files(write(tokenizer={**fast(), **change}))


@pytest.mark.parametrize("byte_pairs", [False, True])
def test_every_setting_is_saved_and_opened(tmp_path, byte_pairs):
    added = [AddedToken("<user>", lstrip=True, normalized=False), AddedToken("[MASK]", lstrip=True, special=True)]
    vocabulary = [*(BYTES if byte_pairs else small.ENTRIES), "<user>"]
    made = make_tokenizer(
        vocabulary,
        MERGES if byte_pairs else None,
        {"lowercase": True, "strip_accents": False, "special_tokens_in_text": True, "added_tokens": added},
    )
    write_tokenizer_files(tmp_path, made.get_vocabulary(), made.settings, made.get_merges())
    opened = open_tokenizer(tmp_path)
    assert opened.fingerprint() == made.fingerprint()
    text = "[SEP] x <user> [MASK]"
    assert opened(text).numpy().tolist() == made(text).numpy().tolist()
    assert {3, 4, len(vocabulary) - 1} <= set(made(text).numpy().tolist())
    if byte_pairs:
        peer = pytest.importorskip("tokenizers").Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
        assert peer.encode("x <user> y", add_special_tokens=False).ids == opened("x <user> y").numpy().tolist()


def test_fingerprints_differ_for_whatever_ids_depend_on():
    def of(vocabulary, merges, **settings):
        return make_tokenizer(vocabulary, merges, settings).fingerprint()

    words = [
        of(small.ENTRIES, None),
        of(small.ENTRIES, None, lowercase=False),
        of(small.ENTRIES, None, strip_accents=False),
        of(small.ENTRIES, None, special_tokens_in_text=True),
        of(small.ENTRIES, None, added_tokens=small.ENTRIES[-1:]),
        of([*small.ENTRIES, "x"], None),
        of(BYTES, MERGES),
        of(BYTES, MERGES[:1]),
    ]
    assert len(set(words)) == len(words)
    assert of(small.ENTRIES, None, strip_accents=True) == words[0]


BYTES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *byte_characters(), "ab", "\u0120ab"]
MERGES = ["a b", "\u0120 ab"]


def write_byte_pairs(folder, lowercase=False, strip_accents=None):
    settings = {"lowercase": lowercase, "strip_accents": strip_accents}
    write_tokenizer_files(folder, BYTES, settings, MERGES, max_length=64)
    return folder


def change_json(path, **fields):
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **fields}), encoding="utf-8")


@pytest.mark.parametrize("settings", [(False, None), (True, None), (True, False), (False, True)])
@pytest.mark.parametrize("without", [(), ("vocab.json", "merges.txt"), ("tokenizer.json",)])
def test_byte_pairs_are_read_as_written(tmp_path, settings, without):
    write_byte_pairs(tmp_path, *settings)
    for name in without:
        (tmp_path / name).unlink()
    read = read_tokenizer_files(tmp_path)
    assert (read.vocabulary, read.merges, read.notes) == (BYTES, MERGES, [])
    assert (read.lowercase, read.strip_accents) == settings
    tokenizer = open_tokenizer(tmp_path)
    assert isinstance(tokenizer, BytePairTokenizer)
    pieces = [tokenizer.id_to_token(token) for token in tokenizer("ab AB").numpy()]
    assert pieces == (["ab", "\u0120ab"] if settings[0] else ["ab", "\u0120", "A", "B"])
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    assert (config["tokenizer_class"], config["model_max_length"]) == ("PreTrainedTokenizerFast", 64)
    assert open_tokenizer(tmp_path, lowercase=True).lowercase


def test_word_pieces_are_opened_from_a_file_and_from_a_folder(tmp_path):
    write_tokenizer_files(tmp_path, small.ENTRIES, {"lowercase": False})
    for path, lowercase in ((tmp_path, False), (tmp_path / "vocab.txt", True)):
        tokenizer = open_tokenizer(path)
        assert isinstance(tokenizer, BertTokenizer)
        assert (tokenizer.get_vocabulary(), tokenizer.lowercase) == (small.ENTRIES, lowercase)
    assert not open_tokenizer(tmp_path / "vocab.txt", lowercase=False).lowercase
    (tmp_path / "vocab.txt").unlink()
    with pytest.raises(InputError, match="no tokenizer there"):
        open_tokenizer(tmp_path)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"pre_tokenizer": {"type": "Whitespace"}}, "GPT-2's pattern"),
        ({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}}, "GPT-2's pattern"),
        ({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True}}, "add_prefix_space is true"),
        ({"normalizer": {"type": "NFC"}}, "the normalizer is NFC"),
        ({"normalizer": {**NORMALIZER, "lowercase": True}}, "without handle_chinese_chars"),
    ],
)
def test_other_byte_pairs_are_refused(tmp_path, fields, message):
    write_byte_pairs(tmp_path)
    change_json(tmp_path / "tokenizer.json", **fields)
    with pytest.raises(InputError, match=message):
        read_tokenizer_files(tmp_path)


def test_other_settings_of_byte_pairs_are_refused(tmp_path):
    write_byte_pairs(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    change_json(tmp_path / "tokenizer_config.json", add_prefix_space=True)
    with pytest.raises(InputError, match=r"tokenizer_config\.json: add_prefix_space is true"):
        read_tokenizer_files(tmp_path)
    change_json(tmp_path / "tokenizer_config.json", tokenizer_class="RobertaTokenizer")
    with pytest.raises(InputError, match="tokenizer_class is RobertaTokenizer"):
        read_tokenizer_files(tmp_path)
