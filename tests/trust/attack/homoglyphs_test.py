"""Letters that look alike: pairs that Unicode calls intentional, where its list is at hand."""

import unicodedata
from pathlib import Path

from keras_bert.trust.attack.homoglyphs import _PAIRS, MOST, Homoglyphs


def test_one_letter_or_all_of_them():
    variants = Homoglyphs().variants("Nope!")
    assert len(variants) == 5
    assert variants[-1] == "Νοре!"
    assert all(len(variant) == 5 and variant != "Nope!" and not variant.isascii() for variant in variants)
    assert len(Homoglyphs().variants("x" * 40)) == MOST
    assert Homoglyphs().variants("中42") == []


def test_every_pair_is_a_letter_of_another_script_in_the_same_case():
    for latin, other in _PAIRS.items():
        names = [unicodedata.name(letter) for letter in (latin, other)]
        assert names[0].startswith("LATIN")
        assert not names[1].startswith("LATIN")
        assert latin.isupper() == other.isupper()


def test_unicodes_list_has_all_but_a_few(shared_data: Path):
    path = shared_data / "trust" / "homoglyphs" / "intentional_homoglyphs.txt"
    lines = [line.split("#")[0].split(";") for line in path.read_text(encoding="utf-8-sig").splitlines()]
    pairs = {frozenset(chr(int(field, 16)) for field in fields) for fields in lines if len(fields) == 2}
    unknown = [latin for latin, other in _PAIRS.items() if frozenset((latin, other)) not in pairs]
    assert sorted(unknown) == sorted("lnquvwGW")
