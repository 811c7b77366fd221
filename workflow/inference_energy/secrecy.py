"""What looks like a secret, which results would repeat."""

import re

SECRET = re.compile(
    r"(^|[_-])(api_?key|key|secret|password|passwd|auth|authorization|bearer|cookie|credentials?)$"
    r"|^token$|(access|api|auth|hf|id|refresh|session)[_-]?token$"
    r"|(access|client|private|secret)[_-]?(key|secret)$|^pass(phrase)?$",
    re.I,
)
"""Names of fields that hold secrets; those of tokenizers and stops, such as eos_token, do not."""
STATED = re.compile(
    r"(key|secret|token|pass(word|wd)?|pwd|auth|sig(nature)?|credentials?|session)"
    r"\s*(=|%(25)*3[da])"
    r"|[^/:]/[^/]*(key|secret|token|password|auth|bearer):[^/]"
    r"|[^/:]/(api_?key|key|secret|token|password|auth|bearer)/(?=[^/]*\d)[^/]{8,}",
    re.I,
)
"""What states a secret within an address, or names it by the part of the path before it; a host may
bear such a name, with a port after it."""

IN_PATH = re.compile(r"/[0-9a-f]{40,}(?=/|$)", re.I)
"""A part of the path of an address that is a token of 160 bits and more, in hexadecimal. Accounts
and deployments of clouds have ids of 128, with dashes or without."""

LOOKS = re.compile(
    r"\b(sk-((?=[\w-]*\d)[\w-]{20,}|[a-z]{20,}|(proj|ant|svcacct|admin|or)-[\w-]{16,})|(hf|fw|gsk|gh[oprsu]|npm|r8)_[a-z0-9]{20,}"
    r"|(nvapi|xai|glpat)-[\w-]{20,}|pplx-[a-z0-9]{20,}|github_pat_\w{20,}|xox[a-z]-[\w-]{10,}"
    r"|AIza[\w-]{30,}|pypi-AgEI[\w-]{20,}|[rs]k_(live|test)_[a-z0-9]{16,}|tgp_v1_[\w-]{20,}"
    r"|do[opr]_v1_[0-9a-f]{64}|ya29\.[\w-]{20,}|SG\.[\w-]{22}\.[\w-]{43}"
    r"|AKIA[A-Z0-9]{16}\b|eyJ[\w-]{16,}\.|bearer(\s|%20|\+)+\S)"
    r"|://[^\s/@:?#]*:[^\s/@]+@"
    r"|[?&]([\w-]*[_-])?(api_?key|key|secret|token|password|passwd|auth|sig(nature)?)=[^\s&]{8,}",
    re.I,
)
"""Keys of services by how they begin, a web token, the word before one in a header, a password
before the host of an address, and what an address says to be one."""


def looks_secret(text: str) -> bool:
    """Whether a text holds what looks like a key."""
    return LOOKS.search(text) is not None
