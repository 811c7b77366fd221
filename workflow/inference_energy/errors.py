"""The one exception that a user's input can cause."""

import re
from collections.abc import Iterable

STEERING = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    r"\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff"
    r"\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
"""What steers a terminal, ends a line unseen, shows nothing, or cannot be written as UTF-8."""


class InputError(Exception):
    """Input that cannot be used; the message lists every problem and its remedy.

    Parameters
    ----------
    problems : str or list of str
        One sentence per problem: file, row, column, value, what is allowed, remedy.
    """

    def __init__(self, problems: str | Iterable[str]) -> None:
        told = [problems] if isinstance(problems, str) else problems
        # a value that a message repeats may hold anything
        self.problems = [STEERING.sub(_escaped, problem) for problem in told]
        super().__init__("\n".join(self.problems))


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


class UnansweredError(InputError):
    """A question that a sound method has no answer to; it is left out, and the reason told."""
