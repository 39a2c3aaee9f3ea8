"""Sentences of running text, by the punctuation that ends them."""

import re

# Scripts that put no blank after a full stop: Chinese and Japanese, Khmer, Burmese, Thai's rare ones.
_FULL_WIDTH = "。！？｡។၊။"
# Latin, Greek, Cyrillic, Arabic and Urdu, Devanagari and its neighbours, Ethiopic, Armenian, Tibetan.
_BEFORE_BLANK = ".!?…؟۔।॥።፧։།"
_CLOSING = "\"'”’»)\\]」』）】》"
_END = re.compile(rf"(?:[{_FULL_WIDTH}]+[{_CLOSING}]*\s*)|(?:[{_BEFORE_BLANK}]+[{_CLOSING}]*\s+)")
# A full stop after these, or after a single letter, ends no sentence.
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[\"'“‘«])(?:[^\W\d_]|Mr|Mrs|Ms|Dr|Prof|Sr|Jr|St|Gen|Col|Capt|Lt|Rev|Hon|No|Nr|vs|cf|ca|etc|e\.g|i\.e|z\.B)"
    r"\.\s+$"
)
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
    found = []
    for line in text.split("\n"):
        start = 0
        for match in _END.finditer(line):
            end = match.end()
            if end < len(line) and _goes_on(line, match):
                continue
            found.append(line[start:end])
            start = end
        found.append(line[start:])
    return [sentence for part in found if (sentence := part.strip())]


def _goes_on(line: str, match: re.Match) -> bool:
    """Whether the sentence goes on after what looks like its end."""
    if match[0][0] in _FULL_WIDTH:
        return False
    following = line[match.end() :][:2].lstrip("\"'“‘«([")[:1]
    if following.islower():
        return True
    return match[0][0] == "." and bool(
        _ABBREVIATION.search(line[max(0, match.end() - _LONGEST_ABBREVIATION) : match.end()])
    )
