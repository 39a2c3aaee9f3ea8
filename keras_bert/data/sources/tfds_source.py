"""Rows of a TensorFlow Datasets data set, prepared on disk or fetched by TFDS."""

import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import tensorflow as tf
import tensorflow_datasets as tfds

from keras_bert.data.sources.source import Source, field_indices
from keras_bert.errors import InputError
from keras_bert.graph import as_written

REACH_SECONDS = 5.0
"""How long a host may take to answer before it counts as out of reach."""

_HOSTS = 3  # of a data set that are asked; glue has its files on three


def read_tfds(name: str, split: str, wanted: Sequence[str], data_dir: str | os.PathLike | None = None) -> Source:
    """The wanted features of each row of a TFDS split.

    What is prepared in `data_dir` is read as it lies there, without the code that made it and without a network;
    otherwise TFDS downloads and prepares it. Numbers of a `ClassLabel` become its names.

    Args:
        name: TFDS's name, `glue/sst2`, also with a version: `glue/sst2:2.0.0`.
        split: A split of the data set, or a part of one in TFDS's words: `train[:1000]`.
        wanted: Names of features.
        data_dir: The folder of prepared data sets; TFDS's own default unless given.

    Raises:
        InputError: No such data set, split or feature; a feature that is no text, label or number; a failed download.
    """
    if data_dir is not None and not Path(data_dir).is_dir():
        raise InputError(f"{data_dir}: no such folder (data_dir of tfds:{name})")
    place = f"tfds:{name}"
    builder = _builder(name, data_dir)
    splits = ", ".join(builder.info.splits)
    try:
        rows = builder.as_dataset(split=split)
    except ValueError:
        raise InputError(f"{place}: no split {split!r}; the splits are: {splits}") from None
    features = builder.info.features
    field_indices(place, list(features), wanted)
    for field in wanted:
        if not _usable(features[field]):
            raise InputError(f"{place}: feature {field!r} is {features[field]!r}; expected text, a label or a number")
    chosen = rows.map(as_written(lambda row: {field: row[field] for field in wanted}))
    names = [getattr(_inner(features[field]), "names", None) for field in wanted]
    return Source(name=f"{place}:{split}", unit="row", rows=_values(chosen, wanted, names, f"{place}:{split}"))


def _builder(name: str, data_dir: str | os.PathLike | None) -> tfds.core.DatasetBuilder:
    """Opens prepared files first: they need neither the code that made them nor its packages and its version."""
    place = f"tfds:{name}"
    try:
        return tfds.core.read_only_builder.builder_from_files(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError:
        pass
    except ValueError as error:
        raise InputError(f"{place}: {_one_line(error)}") from None
    try:
        builder = tfds.builder(name, data_dir=data_dir)
        _check_reach(builder, place, Path(data_dir or tfds.core.constants.DATA_DIR))
        builder.download_and_prepare()
    except ModuleNotFoundError as error:
        # Packages that TFDS leaves to the code of single data sets, and one that it forgets to declare.
        raise InputError(f"{place}: preparing it needs a package: pip install {error.name or error}") from error
    except tfds.core.DatasetNotFoundError:
        where = data_dir or tfds.core.constants.DATA_DIR
        raise InputError(f"{place}: neither known to TFDS nor prepared in {where}") from None
    except (ValueError, RuntimeError, AssertionError) as error:  # the last: files to be fetched by hand
        raise InputError(f"{place}: {_one_line(error)}") from error
    except (OSError, tf.errors.OpError, tfds.core.download.util.DownloadError) as error:
        raise InputError(
            f"{place}: not prepared in {data_dir or tfds.core.constants.DATA_DIR}, and fetching it failed: "
            f"{_one_line(error)}"
        ) from error
    return builder


def _check_reach(builder: tfds.core.DatasetBuilder, place: str, folder: Path) -> None:
    """Asks the hosts of a data set for a sign of life: TFDS tries ten times, which takes it three minutes and more.

    Raises:
        InputError: None of them can be reached, and nothing was fetched into the folder before.
    """
    if any(folder.glob("downloads/*")):
        return  # what it needs may be there
    urls = {urlsplit(url).netloc: url for url in builder.url_infos if url.startswith("http")}
    failure: BaseException | None = None
    for url in list(urls.values())[:_HOSTS]:
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=REACH_SECONDS).close()
            return
        except urllib.error.HTTPError:
            return  # an answer; what it means is TFDS's to say
        except OSError as error:
            reason = getattr(error, "reason", None)  # of a URLError, what it is about
            failure = reason if isinstance(reason, BaseException) else error
            if isinstance(failure, ssl.SSLError):
                return  # TFDS brings certificates of its own
    if failure is not None:
        raise InputError(
            f"{place}: not prepared in {folder}, and none of its hosts can be reached ({', '.join(urls)}: "
            f"{_one_line(failure)}); prepare it where there is a network, and name the folder with --data_dir"
        ) from failure


def _inner(feature: Any) -> Any:
    """The feature inside a sequence, or the feature itself."""
    return feature.feature if isinstance(feature, tfds.features.Sequence) else feature


def _usable(feature: Any) -> bool:
    """Whether a feature is a text, a label, a number, or a list of such."""
    return isinstance(_inner(feature), tfds.features.Scalar | tfds.features.Text | tfds.features.ClassLabel)


def _values(
    rows: tf.data.Dataset, wanted: Sequence[str], names: Sequence[list[str] | None], place: str
) -> Iterator[tuple[int, list[Any]]]:
    for number, row in enumerate(rows.as_numpy_iterator(), start=1):
        values = []
        for field, classes in zip(wanted, names, strict=True):
            value = row[field].tolist() if hasattr(row[field], "tolist") else row[field]
            where = f"{place}, row {number}: feature {field!r}"
            if isinstance(value, list):
                values.append([_plain(item, classes, where) for item in value])
            else:
                values.append(_plain(value, classes, where))
        yield number, values


def _plain(value: Any, classes: list[str] | None, where: str) -> Any:
    """Bytes as a string, the number of a class as its name."""
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"{where}: not UTF-8 at byte {error.start + 1}") from None
    if classes is None:
        return value
    if not 0 <= value < len(classes):
        raise InputError(f"{where}: class {value} is none of the {len(classes)} known; a hidden test label?")
    return classes[value]


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
