"""A byte-level BPE that the `tokenizers` library learned from a few lines, and the library's own tokenizer of it."""

import functools
import json

import tokenizers

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LINES = [
    *("The cat sat on the mat, and the other cats didn't.", "They've said that we'll see 1234 and 12 of them!"),
    *(
        "今天天气很好，我们去公园散步。",
        "今天我们不去学校，明天天气好了再去。",
        "été très chaud, l'été dernier",
        "aaaa aaa aa",
    ),
    *("  two  blanks\tand\n\nlines", "हिन्दी में ६ और ७", "naïve café 🙂🙂 🙂"),
]


@functools.cache
def learned(size: int = 500) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Vocabulary and merges."""
    peer = tokenizers.ByteLevelBPETokenizer(add_prefix_space=False)
    peer.train_from_iterator(LINES * 3, vocab_size=size, min_frequency=2, show_progress=False, special_tokens=SPECIAL)
    model = json.loads(peer.to_str())["model"]
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    return tuple(sorted(model["vocab"], key=model["vocab"].get)), tuple(merges)


def peer(vocabulary: tuple[str, ...], merges: tuple[str, ...]) -> tokenizers.Tokenizer:
    """The library's tokenizer; special tokens in the text are plain text to it."""
    ids = {token: index for index, token in enumerate(vocabulary)}
    rules = [tuple(merge.split(" ")) for merge in merges]
    full = tokenizers.ByteLevelBPETokenizer(ids, rules, add_prefix_space=False)
    plain = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=ids, merges=rules))
    plain.pre_tokenizer, plain.decoder = full.pre_tokenizer, full.decoder
    return plain
