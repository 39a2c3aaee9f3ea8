"""Sentences of running text, by the punctuation that ends them."""

import re

# Scripts that put no blank after a full stop: Chinese and Japanese, Khmer, Burmese, Thai's rare ones.
_FULL_WIDTH = "。！？｡។၊။"
# Latin, Greek, Cyrillic, Arabic and Urdu, Devanagari and its neighbours, Ethiopic, Armenian, Tibetan.
_BEFORE_BLANK = ".!?…؟۔।॥።፧։།"
_CLOSING = "\"'”’»)\\]」』）】》"
# A run of marks is tried from its first one only, so that a million dots take no more than their time.
_END = re.compile(
    rf"(?:[{_FULL_WIDTH}]+[{_CLOSING}]*\s*)|(?:(?<![{_BEFORE_BLANK}])[{_BEFORE_BLANK}]++[{_CLOSING}]*+\s+)"
)
# A full stop after these, or after a single letter, ends no sentence.
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[\"'“‘«])(?:[^\W\d_]|Mr|Mrs|Ms|Dr|Prof|Sr|Jr|St|Gen|Col|Capt|Lt|Rev|Hon|No|Nr|vs|cf|ca|etc|e\.g|i\.e|z\.B)"
    r"\.\s+$"
)
_LINE, _EMPTY_LINE = re.compile(r"\n"), re.compile(r"\n[^\S\n]*\n")
_LONGEST_ABBREVIATION = 8  # characters, with what stands before and after


def split_sentences(text: str) -> list[str]:
    """Splits text where a sentence ends: rules for many scripts, no model.

    A sentence ends at `.`, `!`, `?` and the like with closing marks after them, before a blank and something that is
    no small letter, or at `。` and the like wherever they stand. Line ends always end a sentence.

    Args:
        text: One or more paragraphs.

    Returns:
        The sentences without white space around them, none empty.

    Example:
        >>> split_sentences('Mr. Li left at 5 p.m. today. "Why?" 他走了。我不走！')
        ['Mr. Li left at 5 p.m. today.', '"Why?"', '他走了。', '我不走！']
    """
    return [text[start:end] for start, end in sentence_spans(text)]


def sentence_spans(text: str, line_ends: bool = True) -> list[tuple[int, int]]:
    r"""Finds where the sentences of a text stand, by the rules of `split_sentences`.

    Args:
        text: One or more paragraphs.
        line_ends: Every line end ends a sentence. Otherwise only an empty line does, as in text that is broken into
            lines of some width.

    Returns:
        First character, and the one behind the last, of each sentence, without white space around it; none is empty.

    Example:
        >>> sentence_spans("One\ntwo. Three.\n\nFour", line_ends=False)
        [(0, 8), (9, 15), (17, 21)]
    """
    found = []
    begin = 0
    for end in [*(match.start() for match in (_LINE if line_ends else _EMPTY_LINE).finditer(text)), len(text)]:
        part = text[begin:end]
        start = 0
        for match in _END.finditer(part):
            stop = match.end()
            if stop < len(part) and _goes_on(part, match):
                continue
            found.append((begin + start, begin + stop))
            start = stop
        found.append((begin + start, end))
        begin = end
    return [span for start, end in found if (span := _stripped(text, start, end))]


def _stripped(text: str, start: int, end: int) -> tuple[int, int] | None:
    part = text[start:end]
    start += len(part) - len(part.lstrip())
    return (start, start + len(part.strip())) if part.strip() else None


def _goes_on(line: str, match: re.Match) -> bool:
    """Whether the sentence goes on after what looks like its end."""
    if match[0][0] in _FULL_WIDTH:
        return False
    following = line[match.end() : match.end() + 2].lstrip("\"'“‘«([")[:1]
    if following.islower():
        return True
    return match[0][0] == "." and bool(
        _ABBREVIATION.search(line[max(0, match.end() - _LONGEST_ABBREVIATION) : match.end()])
    )
