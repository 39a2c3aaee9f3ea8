"""The one exception for input that the user can mend."""


class InputError(ValueError):
    """Input that cannot be used, said in one line: what is wrong, where, and what to do.

    Raised for files, flags, vocabularies, checkpoints and rows. The programs print the line and exit with
    status 2; a library user catches it as a `ValueError`.

    Example:
        >>> raise InputError("train.tsv, line 3: no column 'label'; the columns are: text, topic")
        Traceback (most recent call last):
        ...
        keras_bert.errors.InputError: train.tsv, line 3: no column 'label'; the columns are: text, topic
    """
