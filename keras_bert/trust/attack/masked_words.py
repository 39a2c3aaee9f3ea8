"""Words that a masked language model would put in a word's place."""

from collections.abc import Sequence
from typing import Any

from keras_bert.errors import InputError
from keras_bert.text.vocabulary import MASK_TOKEN
from keras_bert.trust.attack.proposer import Proposer, distinct, in_case_of
from keras_bert.trust.attack.sentence import Sentence

TOP_K = 8
"""Words proposed for a place, as in BERT-Attack."""

_ASKED = 3 * TOP_K  # some of what a model finds is no word, or the very word


class MaskedWords(Proposer):
    """Proposes what a model with a masked-word head finds most likely where the word is masked.

    What is likely in a place need not mean the same: `good` and `bad` stand in the same sentences. So a sentence
    similarity goes well with this attack, and still the sentences are to be read.

    Args:
        filler: A `BertPretrainer` that was pre-trained.
        top_k: Words for a place.
        batch_size: Texts a batch.

    Raises:
        InputError: The model fills no masks, or its head has just been started.

    References:
        Li et al. 2020, BERT-Attack, arXiv:2004.09984; Garg and Ramakrishnan 2020, BAE, arXiv:2004.01970, its `BAE-R`,
        which masks the word as is done here
    """

    def __init__(self, filler: Any, top_k: int = TOP_K, batch_size: int = 32) -> None:
        if not hasattr(filler, "continuation_score"):
            raise InputError(
                f"masked words are proposed by a BertPretrainer, a {type(filler).__name__} has no masked-word head"
            )
        report = filler.load_report
        if report is not None and any(name.startswith("cls.predictions") for name in report.new):
            raise InputError(f"{report.source}: has no trained masked-word head; it would propose words at random")
        if top_k < 1:
            raise InputError(f"top_k {top_k}: expected 1 or more")
        self._filler = filler
        self._top_k = top_k
        self._batch_size = batch_size

    def for_word(self, sentence: Sentence, word: int) -> list[str]:
        """Returns the likeliest words."""
        return self.propose([(sentence, word)])[0]

    def propose(self, asked: Sequence[tuple[Sentence, int]]) -> list[list[str]]:
        """Fills many masks in one call, each with what is changed already around it."""
        texts = [self._masked(*sentence.around_word(word)[:2]) for sentence, word in asked]
        most = min(_ASKED + self._top_k, self._filler.tokenizer.vocabulary_size)
        answers = self._filler.answer(texts, self._batch_size, top_k=most) if texts else []
        return [
            self._words(sentence.original(word), [entry["token"] for entry in answer[0]])
            for (sentence, word), answer in zip(asked, answers, strict=True)
        ]

    def _masked(self, before: str, after: str) -> str:
        """Puts the mask in its place, with as much before it as surely leaves it within the longest input."""
        before, after = (part.replace(MASK_TOKEN, "(MASK)") for part in (before, after))
        room = max(0, self._filler.preprocessor.max_length - 4)  # a token is a byte or more
        kept = before.encode()[-room:] if room else b""
        return kept.decode("utf-8", "ignore") + MASK_TOKEN + after

    def _words(self, original: str, tokens: Sequence[str]) -> list[str]:
        found = []
        for token in tokens:
            text = self._filler.tokenizer.text_of(token).decode("utf-8", "replace")
            word = text[1:]
            # A piece that goes on with the word before it has no blank, and a special token has brackets.
            if text.startswith(" ") and word.isalnum() and word.lower() != original.lower():
                found.append(in_case_of(original, word))
        return distinct(original, found)[: self._top_k]
