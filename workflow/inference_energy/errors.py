"""The one exception that a user's input can cause."""

from collections.abc import Iterable


class InputError(Exception):
    """Input that cannot be used; the message lists every problem and its remedy.

    Parameters
    ----------
    problems : str or list of str
        One sentence per problem: file, row, column, value, what is allowed, remedy.
    """

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))


class UnansweredError(InputError):
    """A question that a sound method has no answer to; it is left out, and the reason told."""
