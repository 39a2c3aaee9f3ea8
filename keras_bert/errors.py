"""The one exception for input that the user can mend."""

import unicodedata

LONGEST_MESSAGE = 1200
"""Characters of a message at most: it fits on a screen of 80 columns and 24 lines."""


class InputError(ValueError):
    r"""Input that cannot be used, said in one line: what is wrong, where, and what to do.

    Raised for files, flags, vocabularies, checkpoints and rows. The programs print the line and exit with
    status 2; a library user catches it as a `ValueError`.

    What a message quotes may come from a stranger's file. So line breaks, control characters and half surrogates are
    shown as escapes, as `repr` does, and of a message that would not fit on a screen the middle is left out.

    Args:
        message: The line.

    Example:
        >>> raise InputError("train.tsv, line 3: no column 'label'; the columns are: text, topic")
        Traceback (most recent call last):
        ...
        keras_bert.errors.InputError: train.tsv, line 3: no column 'label'; the columns are: text, topic
        >>> print(InputError("a name of two\nlines"))
        a name of two\nlines
    """

    ag_pass_through = True
    """TensorFlow's AutoGraph looks for this attribute, and then wraps nothing that is raised while it traces."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(str(message), LONGEST_MESSAGE))


class LostProcessError(InputError):
    """A process that shares the work has gone, through no fault of the input: the same call may be made again.

    Example:
        >>> issubclass(LostProcessError, InputError)
        True
    """


def one_line(text: str, longest: int) -> str:
    r"""Makes a text fit for one line of a terminal.

    Args:
        text: Any text.
        longest: Characters of the result at most; beyond, the middle is left out and the length is said.

    Returns:
        The text with line breaks, control characters, directional overrides and half surrogates as escapes.

    Example:
        >>> one_line("red \x1b[31m", 80)
        'red \\x1b[31m'
    """
    escaped = _escaped(text[: longest + 1])
    if len(text) <= longest and len(escaped) <= longest:
        return escaped
    note = f" ... ({len(text):,} characters) ... "
    start = (longest - len(note)) * 2 // 3
    end = longest - len(note) - start
    return escaped[:start] + note + _escaped(text[-longest:])[-end:]


def _escaped(text: str) -> str:
    return text if text.isprintable() else "".join(map(_escaped_character, text))


def _escaped_character(character: str) -> str:
    # Cc: control characters; Cf: formats, such as directional overrides; Cs: half surrogates; Zl and Zp: line ends.
    if character.isprintable() or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character
    return character.encode("unicode_escape").decode()
