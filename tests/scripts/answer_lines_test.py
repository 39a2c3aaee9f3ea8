"""Answers as lines: marked where they stand, and nothing of a document moves the cursor."""

from keras_bert.scripts.answer_lines import answer_lines, place_of, source_lines

ANSWER = {
    "answer": "Wien",
    "score": 0.756,
    "file": "/a.txt",
    "title": "A",
    "start": 10,
    "end": 14,
    "in_file": True,
    "page": None,
    "line": None,
    "sentence": "Wien? Er lebte in Wien.",
    "at": 18,
}
ANSWER["sources"] = [ANSWER, {**ANSWER, "file": "/b.txt"}]


def test_an_answer_in_three_lines():
    lines = ["1. Wien  (0.76)", "   /a.txt, bytes 10 to 14 (A), and 1 more", "   Wien? Er lebte in [[Wien]]."]
    assert answer_lines([ANSWER]) == lines
    assert answer_lines([ANSWER], in_colour=True)[2] == "   Wien? Er lebte in \x1b[1mWien\x1b[0m."
    assert answer_lines([]) == ["no answer in these documents"]


def test_all_places_of_the_best():
    assert source_lines([ANSWER])[0::2] == ["/a.txt, bytes 10 to 14 (A)", "/b.txt, bytes 10 to 14 (A)"]
    assert source_lines([]) == ["there is no answer whose sources could be shown"]


def test_places():
    assert place_of({**ANSWER, "in_file": False}) == "/a.txt (A)"
    assert place_of({**ANSWER, "page": 3, "in_file": False}) == "/a.txt, page 3 (A)"
    assert place_of({**ANSWER, "line": 7, "in_file": False}) == "/a.txt, line 7 (A)"


def test_escape_sequences_of_documents_are_shown():
    evil = "\x1b]0;owned\x07\x9b31m"
    awkward = {**ANSWER, "answer": evil, "sentence": f"{evil}\n\r{evil}", "at": 0, "file": f"/{evil}", "title": evil}
    awkward["sources"] = [awkward]
    for line in [*answer_lines([awkward]), *source_lines([awkward])]:
        assert line.isprintable(), line
