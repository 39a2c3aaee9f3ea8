"""What of an encoder, a preprocessor and settings goes together in a model that writes."""

from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.layers.ordered_attention_bias import MASKS
from keras_bert.tasks.generation.settings import GenerationSettings
from keras_bert.text.preprocessor import BertPreprocessor


def check_parts(
    encoder: BertEncoder, preprocessor: BertPreprocessor, target: int, settings: GenerationSettings, dropout: float
) -> None:
    """Checks the arguments of `BertSeq2Seq`.

    Args:
        encoder: The encoder.
        preprocessor: Its `max_length` is that of a source.
        target: `max_target_length`.
        settings: Of the search.
        dropout: `target_dropout`.

    Raises:
        InputError: Some do not go together.
    """
    if encoder.use_pooler or encoder.attention not in MASKS:
        raise InputError(
            f"BertSeq2Seq needs an encoder with use_pooler=False and attention {' or '.join(map(repr, MASKS))}; this "
            f"one has use_pooler={encoder.use_pooler}, attention={encoder.attention!r}"
        )
    longest, table = max(target, settings.max_new_tokens), encoder.config.max_position_embeddings
    if target < 2 or preprocessor.max_length + longest > table:
        raise InputError(
            f"a source of max_length={preprocessor.max_length} and a target of {longest} tokens are more than the "
            f"position table has rows, {table}: lower max_length, max_target_length (from 2) or max_new_tokens"
        )
    if encoder.config.type_vocab_size < 2:
        raise InputError("the encoder knows one segment (type_vocab_size=1); source and target need two")
    if settings.num_beams > encoder.config.vocab_size:
        raise InputError(f"num_beams={settings.num_beams} is more than the vocabulary has entries")
    if settings.as_long_as_source and settings.max_new_tokens < preprocessor.max_length - 1:
        raise InputError(
            f"as_long_as_source: a source may have {preprocessor.max_length - 2} tokens, and a text of as many needs "
            f"max_new_tokens={preprocessor.max_length - 1} with its end; there are {settings.max_new_tokens}"
        )
    if not 0 <= dropout < 1:
        raise InputError(f"target_dropout is {dropout!r}; it must be from 0 to below 1")
