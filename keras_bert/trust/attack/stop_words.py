"""Words that carry a sentence and no content; an attack leaves them alone."""

_ENGLISH = (
    "a an the this that these those some any each every either neither both all such own same other another i me "
    "my mine myself you your yours yourself yourselves he him his himself she her hers herself it its itself we "
    "us our ours ourselves they them their theirs themselves who whom whose which what one oneself am is are was "
    "were be been being have has had having do does did doing done can could may might must shall should will "
    "would ought need dare used and or but nor so yet if then else because as until while although though whereas "
    "unless whether than lest of at by for with without about against between among into through during before "
    "after above below to from up down in out on off over under again further once upon toward towards across "
    "along around behind beside besides beyond near onto per via within not no never none nothing nobody nowhere "
    "n't ca wo sha ai s t d m o y re ve ll don't doesn't didn't isn't aren't wasn't weren't won't wouldn't can't "
    "cannot couldn't shouldn't mustn't haven't hasn't hadn't it's that's there's i'm you're we're they're i've "
    "you've we've they've i'd you'd he'd she'd we'd they'd i'll you'll he'll she'll we'll they'll here there when "
    "where why how now just only also very too more most less least much many few little "
)

ENGLISH = frozenset(_ENGLISH.split())
"""English function words in lower case, negations among them: to take `not` away is no attack but another sentence."""

CHINESE = frozenset("的了是在和有就也都而及与或这那一个我你他她它们不没很最被把从到对为以于之其")
"""Chinese function words of one character, negations among them."""

STOP_WORDS = ENGLISH | CHINESE
"""The default."""
