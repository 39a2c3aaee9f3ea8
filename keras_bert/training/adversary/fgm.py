"""One step up the loss, and training on where it ends, half and half with the clean words."""

import dataclasses
from typing import ClassVar

from keras_bert.training.adversary.adversary import Adversary, Trained
from keras_bert.training.adversary.batch_part import BatchPart
from keras_bert.training.adversary.pgd import Pgd


@dataclasses.dataclass(frozen=True)
class Fgm(Adversary):
    """The fast gradient method: the mean of the loss at the words and at the shift `epsilon · g / ‖g‖`.

    g is the gradient of the loss by the word vectors of one example, over its tokens and their numbers, padding left
    out. A step of training takes two passes.

    Args:
        epsilon: Length of an example's shift. 0.5 is too far for MiniLM: docs/trust.md has what was measured.

    Example:
        >>> adversary = Fgm(epsilon=0.2)
        >>> adversary
        Fgm(epsilon=0.2)
        >>> model.compile(optimizer, adversary=adversary)  # doctest: +SKIP

    References:
        Miyato et al. 2016, arXiv:1605.07725, section 3, formulas 2 and 4; here without their normalized embeddings, and
        both losses weigh one half.
    """

    name: ClassVar[str] = "fgm"

    epsilon: float = 0.1

    def step(self, part: BatchPart) -> Trained:
        """See `Adversary`; the outputs are those of the clean words."""
        return Pgd(epsilon=self.epsilon, step_size=self.epsilon, steps=1).step(part)
