"""The page: text stays text, nothing is loaded, it is small, and every value is where its word stands."""

import base64
import html
import html.parser
import json
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.trust.page.markup import heat, number, picture, shown
from keras_bert.trust.page.write_page import page, write_page
from tests.trust.page.explained import attention, explanation

EVIL = "<script>alert(1)</script> & <img src=x onerror=alert(2)> \"'> \x00\x1b[31m \u202eabc \ud800 </p></article>"


class Reader(html.parser.HTMLParser):
    """What a browser would make of a page: its tags with attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_what_looks_like_markup_is_text():
    one = explanation(EVIL, label=EVIL, note=EVIL, baseline=EVIL, answer={EVIL: EVIL})
    one |= {"cut": [{"field": "text", "start": 50, "end": 60, "reason": EVIL}], "texts": {"text": EVIL}}
    found = page([one, attention([EVIL, "a", EVIL], [1], [1])], title=EVIL)
    found.encode()
    reader = Reader(found)
    assert not {"script", "iframe", "object", "form"} & {tag for tag, _ in reader.tags}
    assert "<script>alert(1)</script>" in reader.text
    for tag, attributes in reader.tags:
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
        for name in ("src", "href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), (tag, attributes)
    assert not set("\x00\x1b\u202e\ud800") & set(found)
    assert "//" not in found
    assert "url(" not in found
    assert "default-src 'none'" in found


def test_words_stand_where_they_stood():
    text = "  A  gripping\tfilm,\n\nnot a dull one: 好看!  "
    reader = Reader(page([explanation(text)]))
    assert text in reader.text
    titles = [attributes["title"] for tag, attributes in reader.tags if tag == "b" and "title" in attributes]
    values = [word["value"] for word in explanation(text)["words"]]
    assert set(titles) <= set(map(number, values))
    strongest = max(values, key=abs)
    shade = next(attributes["class"] for tag, attributes in reader.tags if attributes.get("title") == number(strongest))
    assert shade == ("p9" if strongest > 0 else "n9")


def test_a_long_text_is_one_line_of_heat_with_links_to_the_strongest():
    text = " ".join(f"word{index}" for index in range(1500))
    one = explanation(text)
    found = page([one])
    reader = Reader(found)
    lines = [attributes for tag, attributes in reader.tags if attributes.get("class") == "heat"]
    assert len(lines) == 1
    pixels = decoded(lines[0]["src"])
    assert pixels.shape == (1, 1000, 4)
    values = [word["value"] for word in one["words"]]
    strongest = int(np.abs(values).argmax())
    assert abs(pixels[0, :, 3].argmax() - strongest * 1000 / 1500) <= 1
    targets = {attributes["id"] for _, attributes in reader.tags if "id" in attributes}
    links = [attributes["href"] for tag, attributes in reader.tags if tag == "a"]
    assert f"#t1w{strongest}" in links
    assert {link[1:] for link in links} <= targets


def test_a_hundred_texts_are_under_two_megabytes():
    short = [explanation("a gripping film of great warmth , and " * 5, seed) for seed in range(100)]
    long = [explanation("a gripping film of great warmth , and " * 40, seed) for seed in range(100)]
    assert len(page(short).encode()) < 1_000_000
    assert len(page(long).encode()) < 2_000_000


def test_pairs_cuts_notes_and_nothing_to_explain():
    pair = explanation("good film", label="")
    pair["texts"]["text_pair"] = "bad book <b>"
    pair["words"].append({"text": "bad", "start": 0, "end": 3, "value": -9.0, "field": "text_pair", "error": 0.012})
    pair["cut"] = [{"field": "text_pair", "start": 4, "end": 8, "reason": "max_length"}]
    nothing = explanation("book", label=None, words=[], score=None, note="no entity was found", answer=None)
    reader = Reader(page([pair, nothing]))
    for expected in (
        "bad book <b>",
        "Text 1: no answer",
        "Text 2: nothing to explain",
        "no entity was found",
        "gap 0.31%",
    ):
        assert expected in reader.text
    assert "Not read, characters: text_pair 4 to 8 (max_length)" in reader.text
    assert "0.012" in reader.text
    assert [tag for tag, attributes in reader.tags if attributes.get("class") == "cut"] == ["s"]


def test_places_in_bytes_are_not_sliced():
    one = explanation("café noir")
    one["words"] = [{"text": "noir", "start": 6, "end": 10, "value": 1.0, "field": "text"}]
    assert ">noir</b></p>" in page([one])


def test_attention_in_a_picture_and_in_words():
    one = attention(["[CLS]", "good", "film", "[SEP]"], [2, 6], [1, 12])
    reader = Reader(page([one]))
    names = [f"Attention of layer {layer}, head {head}" for layer in (2, 6) for head in (1, 12)]
    assert all(name in reader.text for name in names)
    images = [attributes for tag, attributes in reader.tags if tag == "img"]
    assert len(images) == 4
    weights = np.array(one["maps"][0]["weights"])[1, 0]
    assert np.abs(decoded(images[2]["src"])[..., 3] / 255 - weights / weights.max()).max() < 1 / 255
    best = int(weights[1].argmax())
    assert f"good{['[CLS]', 'good', 'film', '[SEP]'][best]} {weights[1, best]:.2f}" in reader.text
    assert "not what for" in reader.text


def test_lines_of_json_are_the_same(tmp_path: Path):
    found = [explanation("a good film"), attention(["[CLS]", "a", "[SEP]"], [1], [1])]
    write_page(tmp_path / "one.html", found, "mine")
    write_page(tmp_path / "two.html", iter([json.loads(json.dumps(one)) for one in found]), "mine")
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()
    assert "<title>mine</title>" in (tmp_path / "one.html").read_text(encoding="utf-8")


def test_bad_input(tmp_path: Path):
    with pytest.raises(InputError, match="there are no explanations"):
        write_page(tmp_path / "page.html", [])
    with pytest.raises(InputError, match="explanation 1: no 'words'; expected what explain gives"):
        write_page(tmp_path / "page.html", [explanation("a"), {"method": "m", "texts": {}, "label": "1"}])
    with pytest.raises(InputError, match="not written"):
        write_page(tmp_path / "nowhere" / "page.html", [explanation("a")])
    assert not list(tmp_path.iterdir())


def test_numbers_and_colours():
    assert [number(value) for value in (0.0123456, -12.34, 0.0, 1234.5)] == ["+0.0123", "−12.3", "0", "+1.23e+03"]
    assert heat(np.array([[1.0, -0.5, 0.0]]), 1.0)[0, :, 3].tolist() == [255, 128, 0]
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 4)).astype(np.uint8)
    assert (decoded(picture(pixels)) == pixels).all()
    assert html.unescape(shown("<&>\"'")) == "<&>\"'"


def decoded(address: Any) -> np.ndarray:
    """The pixels of a PNG without filters."""
    data = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    start = data.index(b"IDAT")
    size = int.from_bytes(data[start - 4 : start], "big")
    rows = np.frombuffer(zlib.decompress(data[start + 4 : start + 4 + size]), np.uint8).reshape(height, -1)
    assert not rows[:, 0].any()
    assert zlib.crc32(data[start : start + 4 + size]) == int.from_bytes(data[start + 4 + size :][:4], "big")
    assert re.search(rb"IEND", data)
    return rows[:, 1:].reshape(height, width, 4)
