"""Arguments of a program that are Apache Beam's."""

from absl import flags

FLAGS = flags.FLAGS


def divide_arguments(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Divides arguments into a program's own and the flags that it does not know, which are Beam's."""
    known = {*FLAGS, *(f"no{name}" for name in FLAGS if FLAGS[name].boolean), "flagfile", "h", "help", "helpfull"}
    own: list[str] = []
    others: list[str] = []
    for place, argument in enumerate(arguments):
        if argument == "--":
            own += arguments[place:]
            break
        name = argument.lstrip("-").partition("=")[0]
        unknown = argument.startswith("--") and name not in known
        (others if unknown else own).append(argument)
    return own, others
