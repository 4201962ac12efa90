"""Channel URLs as people type and paste them: cleaned, and what to write in another way. Pure."""

import re

from store.errors import ChangeRefusedError

QUOTES = ('""', "''", "``", "\u201c\u201d", "\u2018\u2019", "<>")
ONE_AT_A_TIME = "add one URL at a time: {}"
ENCODE = "what is special in a user name, password or token is written in percent-encoding: "

_CUT = re.compile(r"[^/]#|/.*;")
"""In an address: Apprise leaves out what comes after it, without a word."""

_NEXT_URL = re.compile(r"[\s,]+[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def plain_url(text: str) -> str:
    """Return the URL in what was typed or piped in, without blanks, quotes and a byte-order mark around it.

    Raises `ChangeRefusedError` where there is more than one, or one that would be read otherwise than it was meant.
    """
    lines = [line for each in text.splitlines() if (line := _bare(each))]
    if len(lines) > 1:
        raise ChangeRefusedError(ONE_AT_A_TIME.format(f"these are {len(lines)} lines"))
    url = lines[0] if lines else ""
    address = url.partition("?")[0]
    if _NEXT_URL.search(address):
        raise ChangeRefusedError(ONE_AT_A_TIME.format("this line holds several"))
    if (
        _authority(url).count("@") > 1
        or re.search(r"\s", address)
        or _CUT.search(address.partition("://")[2])
        or _cut_secret(url)
    ):
        raise ChangeRefusedError(encoding_hint(url))
    return url


def encoding_hint(url: str) -> str:
    """Return how to write what keeps a URL from being read as it was meant, "" if nothing seems to."""
    rest, authority = url.partition("://")[2], _authority(url)
    found = []
    if authority.count("@") > 1:
        found.append("@ as %40")
    found += [f"{char} as {code}" for char, code in (("/", "%2F"), ("?", "%3F")) if char in _cut_secret(url)]
    if re.search(r"[^/]#", rest):
        found.append("# as %23")
    if ";" in rest.partition("?")[0].removeprefix(authority):
        found.append("; as %3B")
    if re.search(r"%(?![0-9a-f]{2})", rest, re.IGNORECASE):
        found.append("% as %25")
    if re.search(r"\s", rest):
        found.append("a space as %20")
    return ENCODE + ", ".join(found) if found else ""


def _authority(url: str) -> str:
    return re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0]


def _cut_secret(url: str) -> str:
    """Return a user name and password that end too early by a / or ? in them, "" if none seem to."""
    rest, authority = url.partition("://")[2], _authority(url)
    if "@" in authority or not re.search(r":.*\D", authority):
        return ""
    match = re.match(r".*?[^/,=?&#](?=@)", rest)
    return match[0] if match else ""


def _bare(line: str) -> str:
    bare = line.strip().strip("\ufeff").strip()
    if len(bare) > 1 and bare[0] + bare[-1] in QUOTES:
        bare = bare[1:-1].strip()
    return bare
