"""The index against plain numpy; what is saved comes back; what does not fit is refused."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.serving import VectorIndex
from keras_bert.serving.compared_vectors import best
from keras_bert.serving.similarity import similarity as compare
from keras_bert.serving.similarity import unit_vectors

RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(300, 8)).astype("float32")
ROWS = [{"text": f"text {number} ü\u2028"} for number in range(300)]
QUERIES = RNG.normal(size=(600, 8))
MODEL = {"handle": "minilm", "fingerprint": "abc"}


def cosines() -> np.ndarray:
    norms = np.linalg.norm(QUERIES, axis=1)[:, None] * np.linalg.norm(VECTORS, axis=1)
    return QUERIES @ VECTORS.T / norms


def test_the_nearest_by_cosine_come_first():
    """More queries than are compared at a time; neither queries nor vectors are of length 1."""
    scores, numbers = VectorIndex(VECTORS, ROWS, MODEL).search(QUERIES, 7)
    expected = np.argsort(-cosines(), axis=1)[:, :7]
    np.testing.assert_array_equal(numbers, expected)
    np.testing.assert_allclose(scores, np.take_along_axis(cosines(), expected, 1), atol=1e-5)


def test_rows_as_near_come_in_their_order_and_no_more_than_there_are():
    index = VectorIndex(np.array([[1, 0], [0, 1], [2, 0]]), ROWS[:3], MODEL)
    scores, numbers = index.search(np.array([[3.0, 0.0], [0.0, 0.0]]), 9)
    assert numbers.tolist() == [[0, 2, 1], [0, 1, 2]]
    assert scores.tolist() == [[1, 1, 0], [0, 0, 0]]
    assert index.search(np.zeros((0, 2)), 2)[1].shape == (0, 2)


def test_approximate_search_finds_nearly_all_of_them(tmp_path: Path):
    pytest.importorskip("faiss", reason="needs the search extra")
    index = VectorIndex(VECTORS, ROWS, MODEL, method="approximate")
    expected = np.argsort(-cosines(), axis=1)[:, :5]
    scores, numbers = index.search(QUERIES, 5)
    assert np.mean([len(set(a) & set(b)) / 5 for a, b in zip(numbers, expected, strict=True)]) > 0.98
    np.testing.assert_allclose(scores, np.take_along_axis(cosines(), numbers, 1), atol=1e-5)
    index.save(tmp_path / "index")
    names = ["index.json", "lost.npy", "places.npy", "rows.jsonl", "vectors.faiss"]
    assert sorted(path.name for path in (tmp_path / "index").iterdir()) == names
    again = VectorIndex.open(tmp_path / "index")
    np.testing.assert_array_equal(again.search(QUERIES, 5)[1], numbers)
    assert (again.method, again.rows) == ("approximate", ROWS)


def test_past_some_thousand_rows_the_search_is_approximate():
    pytest.importorskip("faiss", reason="needs the search extra")
    many = RNG.normal(size=(5001, 2))
    rows = [{"text": ""}] * 5001
    assert VectorIndex(many, rows, MODEL).method == "approximate"
    assert VectorIndex(many, rows, MODEL, method="exact").method == "exact"
    assert VectorIndex(many[:5000], rows[:5000], MODEL).method == "exact"


def test_an_index_comes_back(tmp_path: Path):
    index = VectorIndex(VECTORS, ROWS, MODEL)
    index.save(tmp_path / "index")
    again = VectorIndex.open(tmp_path / "index")
    assert (again.rows, again.model, again.method, again.size) == (ROWS, MODEL, "exact", 8)
    for ours, theirs in zip(again.search(QUERIES, 3), index.search(QUERIES, 3), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(InputError, match="already holds"):
        index.save(tmp_path / "index")
    VectorIndex(VECTORS[:1], ROWS[:1], MODEL).save(tmp_path / "index", overwrite=True)
    assert len(VectorIndex.open(tmp_path / "index").rows) == 1


def test_without_faiss_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(InputError, match=r"bert-for-keras\[search\].*--method=exact"):
        VectorIndex(VECTORS, ROWS, MODEL, method="approximate")
    assert VectorIndex(VECTORS, ROWS, MODEL).method == "exact"


def damage(folder: Path, name: str, content: str | bytes | None) -> None:
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("index.json", None, r"no index there \(no index.json\)"),
        ("vectors.npy", None, r"no index there \(no vectors.npy\)"),
        ("index.json", "{", "not a JSON file"),
        ("index.json", '{"format": 1}', "an index of format 1; this version reads 2: index the rows again"),
        ("index.json", '{"format": 2}', "the index is damaged"),
        (
            "index.json",
            '{"format": 2, "model": {}, "method": "exact", "similarity": "cosine", "size": 8}',
            r"is damaged \('rows'\)",
        ),
        ("rows.jsonl", '{"text": "a"}\n', r"damaged \(1 rows, 300 places"),
        ("places.npy", b"", "the index is damaged"),
        ("rows.jsonl", "text\n", "the index is damaged"),
        ("rows.jsonl", "[1]\n" * 300, "no object with a text"),
        ("rows.jsonl", '{"text": 1}\n' * 300, "no object with a text"),
        ("rows.jsonl", "[" * 10**5 + "\n", "rows.jsonl, line 1: its JSON is nested too deep"),
        ("index.json", "[" * 10**5, "nested too deep"),
        ("index.json", b"\xff", "not a JSON file"),
        ("index.json", "null", "expected a JSON object"),
        ("index.json", '{"format": 2, "model": {}, "method": [], "similarity": {}, "size": 1e999}', "is damaged"),
        ("vectors.npy", b"\x93NUMPY", "the index is damaged"),
    ],
)
def test_what_is_no_index_is_refused(name: str, content: str | bytes | None, message: str, tmp_path: Path):
    VectorIndex(VECTORS, ROWS, MODEL).save(tmp_path / "index")
    damage(tmp_path / "index", name, content)
    with pytest.raises(InputError, match=message):
        VectorIndex.open(tmp_path / "index")


def test_an_array_that_says_more_than_the_file_holds_takes_no_memory(tmp_path: Path):
    VectorIndex(VECTORS, ROWS, MODEL).save(tmp_path / "index")
    for name, wrong in (("vectors.npy", "(300, 1000000000000)"), ("places.npy", "(1000000000000000,)")):
        path = tmp_path / "index" / name
        whole = path.read_bytes()
        shape = b"(300, 8)" if name == "vectors.npy" else b"(300,)"
        path.write_bytes(whole.replace(shape + b", }" + b" " * (len(wrong) - len(shape)), wrong.encode() + b", }"))
        assert path.read_bytes() != whole
        with pytest.raises(InputError, match="the index is damaged"):
            VectorIndex.open(tmp_path / "index")
        path.write_bytes(whole)
    damage(tmp_path / "index", "vectors.npy", None)
    np.save(tmp_path / "index" / "vectors.npy", np.where(VECTORS > 1, np.nan, VECTORS))
    with pytest.raises(InputError, match="NaN"):
        VectorIndex.open(tmp_path / "index")


@pytest.mark.parametrize("method", ["exact", "approximate"])
def test_pipes_in_the_place_of_files_are_not_waited_for(method: str, tmp_path: Path):
    if method == "approximate":
        pytest.importorskip("faiss", reason="needs the search extra")
    VectorIndex(VECTORS, ROWS, MODEL, method).save(tmp_path / "index")
    for path in sorted((tmp_path / "index").iterdir()):
        whole = path.read_bytes()
        path.unlink()
        os.mkfifo(path)
        with pytest.raises(InputError, match=rf"{path.name}: (no regular file|cannot be read \(Not a regular file)"):
            VectorIndex.open(tmp_path / "index")
        path.unlink()
        path.write_bytes(whole)
    assert VectorIndex.open(tmp_path / "index").method == method


def test_what_is_nearly_the_same_by_the_thousand_is_compared_one_by_one():
    """A graph finds 9 of 10 neighbours there, and among vectors of very unlike lengths 6."""
    pytest.importorskip("faiss", reason="needs the search extra")
    alike = COPIES + 1e-6 * RNG.normal(size=COPIES.shape)
    unlike = RNG.normal(size=(3000, 32)) * RNG.lognormal(0, 1.5, (3000, 1))
    for vectors, name in ((alike, "cosine"), (unlike, "euclidean")):
        index = VectorIndex(vectors, COPIED_ROWS[: len(vectors)], MODEL, "approximate", name)
        exact = VectorIndex(vectors, COPIED_ROWS[: len(vectors)], MODEL, "exact", name)
        queries = vectors[::70] + 0.1
        np.testing.assert_array_equal(index.search(queries, 10)[1], exact.search(queries, 10)[1])
        assert index.method == "exact"


def test_what_is_written_is_json_and_shows_as_it_is(tmp_path: Path):
    """No NaN, no escape sequence, no override of the direction; read again it is what it was."""
    rows = [{"text": "a\x9b31m\u202e", "score": float("nan")}, {"text": "b"}]
    VectorIndex(VECTORS[:2], rows, {"handle": "x\u202e"}).save(tmp_path / "index")
    for name in ("index.json", "rows.jsonl"):
        text = (tmp_path / "index" / name).read_text()
        assert "NaN" not in text
        assert all(character.isprintable() or character == "\n" for character in text)
    again = VectorIndex.open(tmp_path / "index")
    assert again.rows == [{"text": "a\x9b31m\u202e", "score": None}, {"text": "b"}]
    assert again.model == {"handle": "x\u202e"}


@pytest.mark.parametrize("places", [[-1] * 300, [2**40] * 300, [1] * 300, [0.5] * 300, [[0] * 300]])
def test_places_that_lead_nowhere_are_refused(places: list, tmp_path: Path):
    VectorIndex(VECTORS, ROWS, MODEL).save(tmp_path / "index")
    np.save(tmp_path / "index" / "places.npy", np.array(places))
    with pytest.raises(InputError, match="the index is damaged"):
        VectorIndex.open(tmp_path / "index")


COPIES = np.concatenate(
    [RNG.normal(size=(500, 8)), np.repeat(RNG.normal(size=(1, 8)), 6000, 0), RNG.normal(size=(500, 8))]
)
COPIED_ROWS = [{"text": "x"}] * 7000


@pytest.mark.parametrize("noise", [0.0, 1e-6], ids=["copies", "nearly copies"])
def test_rows_beside_thousands_of_copies_find_themselves(noise: float, tmp_path: Path):
    """A graph of the rows as they are finds none of the 1,000: it never leaves the copies."""
    pytest.importorskip("faiss", reason="needs the search extra")
    vectors = COPIES + noise * RNG.normal(size=COPIES.shape)
    index = VectorIndex(vectors, COPIED_ROWS, MODEL, method="approximate")
    index.save(tmp_path / "index")
    others = [*range(500), *range(6500, 7000)]
    for made in (index, VectorIndex.open(tmp_path / "index")):
        scores, numbers = made.search(vectors[others], 3)
        np.testing.assert_array_equal(numbers[:, 0], others)
        np.testing.assert_allclose(scores[:, 0], 1, atol=1e-6)
        assert (np.sort(numbers, 1)[:, 1:] != np.sort(numbers, 1)[:, :-1]).all(), "a row comes once"
        if not noise:
            assert made.search(COPIES[600:601], 4)[1].tolist() == [[500, 501, 502, 503]]


def test_copies_and_equal_scores_come_in_the_order_of_rows():
    """At the last place too: rows 1 and 3 are one vector, 0 and 4 are as near by another, 2 is farther."""
    vectors = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 0.0], [1.0, -1.0], [1.0, 1.0]])
    index = VectorIndex(vectors, ROWS[:5], MODEL)
    for k in range(1, 6):
        assert index.search(np.array([[1.0, 0.0]]), k)[1].tolist() == [[0, 1, 3, 4, 2][:k]]


@pytest.mark.parametrize("similarity", ["cosine", "dot", "euclidean", "manhattan"])
@pytest.mark.parametrize("method", ["exact", "approximate"])
def test_every_similarity_is_searched(similarity: str, method: str, tmp_path: Path):
    if method == "approximate":
        pytest.importorskip("faiss", reason="needs the search extra")
    expected = compare(similarity)(QUERIES[:50], VECTORS)
    VectorIndex(VECTORS, ROWS, MODEL, method, similarity).save(tmp_path / "index")
    index = VectorIndex.open(tmp_path / "index")
    assert index.similarity == similarity
    scores, numbers = index.search(QUERIES[:50], 4)
    np.testing.assert_allclose(scores, np.take_along_axis(expected, numbers, 1), atol=1e-4)
    np.testing.assert_allclose(scores[:, 0], expected.max(1), atol=1e-4)


def test_the_best_of_a_row_by_partition_are_those_of_sorting():
    scores = RNG.integers(0, 6, (40, 30)).astype("float32")
    for k in (1, 7, 30):
        values, numbers = best(scores, k)
        expected = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        np.testing.assert_array_equal(numbers, expected)
        np.testing.assert_array_equal(values, np.take_along_axis(scores, expected, 1))


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(InputError, match="nowhere: no index there"):
        VectorIndex.open(tmp_path / "nowhere")


def test_impossible_arguments_are_refused():
    index = VectorIndex(VECTORS, ROWS, MODEL)
    with pytest.raises(InputError, match="at least 1"):
        VectorIndex(VECTORS[:0], [], MODEL)
    with pytest.raises(InputError, match="300 vectors for 1 rows"):
        VectorIndex(VECTORS, ROWS[:1], MODEL)
    with pytest.raises(InputError, match="method must be one of exact, approximate"):
        VectorIndex(VECTORS, ROWS, MODEL, method="hnsw")
    with pytest.raises(InputError, match="similarity must be one of cosine, dot"):
        VectorIndex(VECTORS, ROWS, MODEL, similarity="hamming")
    with pytest.raises(InputError, match="the index has vectors of 8 numbers"):
        index.search(np.zeros((1, 9)), 1)
    with pytest.raises(InputError, match="k is 0"):
        index.search(QUERIES, 0)
    for wrong in (np.nan, np.inf):
        broken = np.where(np.arange(300)[:, None] == 7, wrong, VECTORS)
        with pytest.raises(InputError, match="1 of 300 vectors hold NaN or infinity, the first of them number 7"):
            VectorIndex(broken, ROWS, MODEL)
        with pytest.raises(InputError, match="1 of 300 queries hold NaN or infinity, the first of them number 7"):
            index.search(broken, 1)


def test_unit_vectors_have_the_length_one_and_zeros_stay():
    units = unit_vectors(np.array([[3.0, 4.0], [0.0, 0.0]]))
    np.testing.assert_allclose(units, [[0.6, 0.8], [0, 0]])
    # The squares of these are beyond float32.
    np.testing.assert_allclose(unit_vectors(np.float32([[3e30, 4e30], [3e-30, 4e-30]])), [[0.6, 0.8]] * 2, rtol=1e-6)
    assert units.dtype == np.float32
    assert json.dumps(units.tolist())
