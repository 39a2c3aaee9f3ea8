"""BERT's text normalization as a model of tensorflow-text's `FastBertNormalizer`: builds it, ships it, reads it.

tensorflow-text's own normalizer folds case and width with NFKC, which is not what BERT does: on a Chinese model
nearly every sentence gets other ids. The op itself, however, takes any mapping from one code point to a string, so
this file writes BERT's mapping in its format. The built models lie in `normalizer_models/` (a few tens of kilobytes
each) because Python's Unicode tables move with Python's version; rebuild them with

    python -m keras_bert.text.normalizer_model

under a Python whose `unicodedata.unidata_version` is `UNICODE_VERSION` (3.11), and run the tests.

Format: a flatbuffer `FastBertNormalizerModel` (fast_bert_normalizer_model.fbs in github.com/tensorflow/text) of a
double-array trie (github.com/s-yata/darts-clone) from the UTF-8 bytes of a code point to a 31-bit value
`DIFFERENT | offset << 6 | length`, and a pool of strings into which offset and length point, in bytes. Code point 0
cannot be a key of the trie and has a field of its own.
"""

import functools
import importlib.resources
import unicodedata
import zlib
from pathlib import Path

import numpy as np

UNICODE_VERSION = "14.0.0"
"""`unicodedata.unidata_version` of the Python that built the models in `normalizer_models/`."""

_DIFFERENT = 0x40000000
_LONGEST_REPLACEMENT = 63  # bytes: six bits of the value
_BLOCK = 256  # units: the labels of a node's children differ in their low eight bits only
_OPEN_BLOCKS = 16  # how far back the builder looks for room, as darts-clone does


def _code_points(ranges: str) -> frozenset[int]:
    bounds = (part.partition("-") for part in ranges.split())
    return frozenset(c for low, _, high in bounds for c in range(int(low, 16), int(high or low, 16) + 1))


# BERT and its vocabularies are of 2018, and Hugging Face's tokenizers still use the Unicode 8 categories of that
# time (Rust crate unicode_categories). Characters that became format characters, marks or punctuation since are
# ordinary letters there. The tests compare every code point with that library.
_NOT_YET_FORMAT = _code_points("0890-0891 08E2 110CD 13430-13438")
_NOT_YET_MARK = _code_points(
    "07FD 0898-089F 08CA-08E1 09FE 0AFA-0AFF 0B55 0C04 0C3C 0D00 0D3B-0D3C 0D81 0EBA 180F 1885-1886 1ABF-1ACE "
    "1DF6-1DFB A82C A8C5 A8FF A9BD 10D24-10D27 10EAB-10EAC 10F46-10F50 10F82-10F85 11070 11073-11074 110C2 111C9 "
    "111CF 1123E 1133B 11438-1143F 11442-11444 11446 1145E 1182F-11837 11839-1183A 1193B-1193C 1193E 11943 "
    "119D4-119D7 119DA-119DB 119E0 11A01-11A0A 11A33-11A38 11A3B-11A3E 11A47 11A51-11A56 11A59-11A5B 11A8A-11A96 "
    "11A98-11A99 11C30-11C36 11C38-11C3D 11C3F 11C92-11CA7 11CAA-11CB0 11CB2-11CB3 11CB5-11CB6 11D31-11D36 11D3A "
    "11D3C-11D3D 11D3F-11D45 11D47 11D90-11D91 11D95 11D97 11EF3-11EF4 16F4F 16FE4 1CF00-1CF2D 1CF30-1CF46 "
    "1E000-1E006 1E008-1E018 1E01B-1E021 1E023-1E024 1E026-1E02A 1E130-1E136 1E2AE 1E2EC-1E2EF 1E944-1E94A"
)
_STILL_MARK = _code_points("1734")
_STILL_PUNCTUATION = frozenset("\u166d\U000111c9")


def is_removed(character: str) -> bool:
    """Tells whether BERT drops the character: control, format and private-use characters, U+0000 and U+FFFD."""
    if character in "\t\n\r":
        return False
    category = unicodedata.category(character)
    removed = category in ("Cc", "Co") or (category == "Cf" and ord(character) not in _NOT_YET_FORMAT)
    return removed or character == "\ufffd"


def is_white_space(character: str) -> bool:
    """Tells whether BERT reads the character as a blank: tab, line feed, carriage return, Unicode Z*."""
    return character in "\t\n\r" or unicodedata.category(character).startswith("Z")


def is_mark(character: str) -> bool:
    """Tells whether stripping accents drops the character: Unicode Mn as BERT's time knew it."""
    code = ord(character)
    return code in _STILL_MARK or (unicodedata.category(character) == "Mn" and code not in _NOT_YET_MARK)


def normalize_character(character: str, lowercase: bool, strip_accents: bool) -> str:
    """Gives what BERT's normalization makes of one code point.

    The steps are those of `BasicTokenizer` (github.com/google-research/bert, tokenization.py): clean, strip accents
    (NFD without Mn), lower-case. Python's rule for a final sigma looks at its neighbours and is not followed, as in
    Hugging Face's tokenizers. Punctuation and Chinese characters are not set apart here, since the WordPiece op does
    that, but for the two characters that are no longer punctuation.

    Args:
        character: one code point.
        lowercase: lower-case it.
        strip_accents: decompose it and drop the marks.

    Returns:
        The string that takes its place, possibly empty.
    """
    if is_removed(character):
        return ""
    if is_white_space(character):
        return " "
    text = character
    if strip_accents:
        text = "".join(part for part in unicodedata.normalize("NFD", text) if not is_mark(part))
    if lowercase:
        text = text.lower()
    return "".join(f" {c} " if c in _STILL_PUNCTUATION else c for c in text)


def build(lowercase: bool, strip_accents: bool) -> bytes:
    """Builds the model of one kind of normalization.

    The private-use planes 15 and 16 (131,068 code points) are left out, since each would need its own entry.

    Args:
        lowercase: lower-case the text.
        strip_accents: drop accents.

    Returns:
        The flatbuffer that `tensorflow_text.FastBertNormalizer(model_buffer=...)` takes.
    """
    pool = bytearray()
    offsets: dict[bytes, int] = {}
    values: dict[bytes, int] = {}
    value_of_zero = 0
    for code in range(0xF0000):
        character = chr(code)
        if unicodedata.category(character) in ("Cs", "Cn"):
            continue
        normalized = normalize_character(character, lowercase, strip_accents)
        if normalized == character:
            continue
        replacement = normalized.encode()
        if len(replacement) > _LONGEST_REPLACEMENT:
            raise OverflowError(f"U+{code:04X} becomes {len(replacement)} bytes, the format holds 63")
        if replacement not in offsets:
            offsets[replacement] = len(pool) if replacement else 0
            pool += replacement
        value = _DIFFERENT | offsets[replacement] << 6 | len(replacement)
        if code == 0:
            value_of_zero = value
        else:
            values[character.encode()] = value
    return _flatbuffer(_double_array(values), bytes(pool), value_of_zero, lowercase and strip_accents)


class _FreeUnits:
    """The free units of a growing array, as a doubly linked list, so that looking for room skips what is taken."""

    def __init__(self) -> None:
        self.size = 1  # unit 0 is the root and always taken
        self.next = [1]
        self.previous = [0]
        self.taken = bytearray(b"\1")
        self.bases: set[int] = set()
        self.first = 1
        self.grow(_BLOCK - 1)

    def grow(self, units: int = _BLOCK) -> None:
        """Adds free units at the end."""
        start = self.size
        self.size += units
        self.next.extend(range(start + 1, self.size + 1))
        self.previous.extend(range(start - 1, self.size - 1))
        self.taken.extend(bytes(units))
        last = start - 1
        while last > 0 and self.taken[last]:
            last -= 1
        self.previous[start] = last
        if last > 0:
            self.next[last] = start
        else:
            self.first = start

    def take(self, unit: int) -> None:
        """Marks a unit as used."""
        self.taken[unit] = 1
        before, after = self.previous[unit], self.next[unit]
        if unit == self.first:
            self.first = after
        else:
            self.next[before] = after
        if after < self.size:
            self.previous[after] = before

    def room_for(self, labels: list[int]) -> int:
        """Finds a base that no node has and whose units `base ^ label` are all free."""
        unit = self.first
        oldest = self.size - _OPEN_BLOCKS * _BLOCK
        while True:
            while unit >= self.size:
                self.grow()
            base = unit ^ labels[0]
            # Full old blocks are not worth searching, except for the many nodes with one child.
            worth_it = (unit >= oldest or len(labels) == 1) and base not in self.bases and base
            if worth_it and not any(self.taken[base ^ label] for label in labels):
                self.bases.add(base)
                return base
            unit = self.next[unit]


def _double_array(values: dict[bytes, int]) -> np.ndarray:
    """Writes a darts-clone double array: uint32 units, `values` maps non-empty keys without NUL to 31-bit values.

    A unit of a node holds its label (bits 0 to 7), whether a value hangs on it (bit 8) and the distance to its
    children's base by exclusive or (bits 10 to 30); a child with label 0 holds the value, with bit 31 set.
    """
    root: dict = {}
    for key, value in values.items():
        node = root
        for byte in key:
            node = node.setdefault(byte, {})
        node[0] = value
    free = _FreeUnits()
    units: dict[int, int] = {0: 0}
    stack = [(root, 0)]
    while stack:
        node, place = stack.pop()
        labels = sorted(node)
        base = free.room_for(labels)
        distance = place ^ base
        if distance >= 1 << 21:
            raise OverflowError("the trie is larger than its format holds")
        units[place] |= distance << 10 | (0x100 if 0 in node else 0)
        for label in labels:
            child = base ^ label
            free.take(child)
            units[child] = label or node[0] | 0x80000000
            if label:
                stack.append((node[label], child))
    # Whole blocks: a lookup reads `base ^ byte` for any byte, and must stay inside the array.
    array = np.zeros((max(units) // _BLOCK + 1) * _BLOCK, np.uint32)
    array[list(units)] = list(units.values())
    return array


def _flatbuffer(trie: np.ndarray, pool: bytes, value_of_zero: int, lower_case_nfd_strip_accents: bool) -> bytes:
    """Packs the four fields of `FastBertNormalizerModel`, in the order of its schema."""
    import flatbuffers  # of TensorFlow's own requirements; only rebuilding needs it

    builder = flatbuffers.Builder(1024)
    trie_vector = builder.CreateNumpyVector(trie.astype("<u4"))
    pool_vector = builder.CreateNumpyVector(np.frombuffer(pool, np.uint8))
    builder.StartObject(4)
    builder.PrependBoolSlot(0, lower_case_nfd_strip_accents, False)
    builder.PrependUOffsetTRelativeSlot(1, trie_vector, 0)
    builder.PrependInt32Slot(2, value_of_zero, 0)
    builder.PrependUOffsetTRelativeSlot(3, pool_vector, 0)
    builder.Finish(builder.EndObject())
    return bytes(builder.Output())


def file_name(lowercase: bool, strip_accents: bool) -> str:
    """Gives the name of a shipped model's file: zlib-compressed flatbuffer."""
    case = "lower" if lowercase else "cased"
    return f"{case}_{'strip' if strip_accents else 'keep'}.bin"


@functools.cache
def load(lowercase: bool, strip_accents: bool) -> np.ndarray:
    """Reads a shipped model.

    Args:
        lowercase: the model lower-cases.
        strip_accents: the model drops accents.

    Returns:
        The flatbuffer, uint8 (bytes,).
    """
    folder = importlib.resources.files("keras_bert.text") / "normalizer_models"
    packed = (folder / file_name(lowercase, strip_accents)).read_bytes()
    return np.frombuffer(zlib.decompress(packed), np.uint8)


def main() -> None:
    """Builds the four models into `normalizer_models/` beside this file."""
    if unicodedata.unidata_version != UNICODE_VERSION:
        raise SystemExit(f"this Python has Unicode {unicodedata.unidata_version}, not {UNICODE_VERSION}")
    folder = Path(__file__).parent / "normalizer_models"
    folder.mkdir(exist_ok=True)
    for lowercase in (False, True):
        for strip_accents in (False, True):
            model = build(lowercase, strip_accents)
            path = folder / file_name(lowercase, strip_accents)
            path.write_bytes(zlib.compress(model, 9))
            print(f"{path}: {len(model):,} bytes, {path.stat().st_size:,} compressed")


if __name__ == "__main__":
    main()
