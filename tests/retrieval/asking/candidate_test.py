"""A candidate knows where it stands, in bytes of the file and in its sentence."""

from keras_bert.retrieval.asking.candidate import Candidate
from keras_bert.retrieval.passages.passage import Found, Passage

TEXT = "Früher war das so. Gödel lebte in Wien, lange. Dann nicht mehr."


def candidate(answer: str, start: int = 100) -> Candidate:
    passage = Passage(TEXT, "T", "/a.txt", start, start + len(TEXT.encode()), True, None, None, 0)
    at = TEXT.index(answer)
    return Candidate(Found(passage, 1.0, 0), at, at + len(answer), 0.5)


def test_places_are_bytes_of_the_file():
    data = b"x" * 100 + TEXT.encode()
    for answer in ("Wien", "Gödel", "Früher", "mehr."):
        found = candidate(answer)
        assert found.text == answer
        assert data[slice(*found.place)].decode() == answer


def test_the_sentence_around():
    described = candidate("Wien").described()
    assert described["sentence"] == "Gödel lebte in Wien, lange."
    assert described["sentence"][described["at"] :].startswith("Wien")
    assert candidate("so. Gödel").described()["sentence"] == "Früher war das so. Gödel lebte in Wien, lange."
    names = {"file", "title", "start", "end", "in_file", "page", "line", "sentence", "at"}
    assert set(described) == names
