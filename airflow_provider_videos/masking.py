# SPDX-License-Identifier: Apache-2.0
"""Replace an API key, or a token made of it, that a vendor echoes, however it is written, by stars.

Vendors and the gateways before them were seen to quote the headers that they refuse: percent-encoded in a URL, escaped
in JSON within JSON, as base64 of ``user:key``, broken over lines. One regular expression per key knows all of them.
"""

from __future__ import annotations

import base64
import functools
import html.entities
import re

#: A shorter key may be a word of any text, so it can't be masked.
MIN_SECRET_CHARACTERS = 8
STARS = "***"
_MARGIN_CHARACTERS = 1000
_MARGIN_PER_CHARACTER = 16
_FIRST_CHARACTERS = 4
_MAX_SPACES = 100
_SPACES = r"\s\u00ad\u200b-\u200d\u2060\ufeff"
_SPACE = re.compile(f"[{_SPACES}]+")
_NO_SPACE = re.compile(f"[^{_SPACES}]")
#: White space as JSON (also within JSON), URLs and HTML write it.
_ESCAPED_SPACE = (
    r"\\{1,8}[nrtfv]|%(?:25){0,3}(?:20|0[9aAdD])|"
    r"&(?:amp;){0,3}(?:nbsp|#0{0,6}(?:9|10|13|32)|#[xX]0{0,6}(?:9|[aA]|[dD]|20));"
)


def mask(text: str, *secrets: str, limit: int | None = None) -> str:
    """Replace what spells one of several secrets in a text by stars.

    It is found as it is, percent-encoded (up to four times), as base64 and base64url at any offset, escaped for HTML,
    JSON (up to three times) or by ``repr``, in any mixture of these, and with white space between its characters.

    :param text: any text.
    :param secrets: what must not be seen; of one with fewer than 8 characters, nothing is replaced.
    :param limit: how many characters of the result are wanted; a secret that the cut would go through is replaced too.
    """
    if limit is not None:
        text = text[: limit + margin(*secrets)]
    for secret in secrets:
        if can_mask(secret):
            text = _mask(text, secret)
    return text[:limit]


def _mask(text: str, secret: str) -> str:
    # White space may be anywhere, also within an escape.
    compact = "".join(text.split()) if text.isascii() else _SPACE.sub("", text)
    # To compile the whole of it takes some 50 ms, and few texts begin to look like the secret anywhere.
    if _may_begin(secret, compact):
        text = _replace(text, [found.span() for found in _pattern(secret).finditer(compact)])
    return text


def _may_begin(secret: str, compact: str) -> bool:
    """Return whether a text without white space spells the beginning of a secret somewhere."""
    has_escapes = "%" in compact or "&" in compact or "\\" in compact
    if has_escapes or (beginnings := _plain_beginnings(secret)) is None:
        return _pattern(secret, _FIRST_CHARACTERS).search(compact) is not None
    return any(beginning in compact for beginning in beginnings)


@functools.lru_cache(maxsize=64)
def _plain_beginnings(secret: str) -> tuple[str, ...] | None:
    """Return how a secret begins in a text without escapes; ``None`` if it holds white space, which may be written."""
    if "".join(secret.split()) != secret:
        return None
    encoded = [_in_base64(secret.encode(), offset)[:_FIRST_CHARACTERS] for offset in range(3)]
    # Base64 has two alphabets, which a text may mix.
    return (secret[:_FIRST_CHARACTERS], *encoded) if all(map(str.isalnum, encoded)) else None


def _replace(text: str, spans: list[tuple[int, int]]) -> str:
    """Replace parts of a text that are given by their places in the text without its white space."""
    if not spans:
        return text
    places = [found.start() for found in _NO_SPACE.finditer(text)]
    parts, end = [], 0
    for first, behind in spans:
        parts += [text[end : places[first]], STARS]
        end = places[behind - 1] + 1
    return "".join(parts) + text[end:]


def can_mask(secret: str) -> bool:
    """Whether a secret is long enough to be told from the words of a text."""
    return len("".join(secret.split())) >= MIN_SECRET_CHARACTERS


def margin(*secrets: str) -> int:
    """How many characters the longest of some secrets may take when it is written at length."""
    return _MARGIN_CHARACTERS + _MARGIN_PER_CHARACTER * max(map(len, secrets), default=0)


@functools.lru_cache(maxsize=64)
def _pattern(secret: str, characters: int | None = None) -> re.Pattern[str]:
    plain = "".join(secret.split())
    raw = secret.encode()
    has_space = plain != secret
    spellings = [_spelled(plain[:characters], {}, has_space)]
    spellings += [_spelled(_in_base64(raw, offset)[:characters], {"+": "-", "/": "_"}, False) for offset in range(3)]
    return re.compile("|".join(spellings))


def _in_base64(raw: bytes, offset: int) -> str:
    """Return the characters that are the same whatever stands before and after, from an offset in a group of three."""
    encoded = base64.b64encode(bytes(offset) + raw).decode()
    return encoded[-(-offset * 8 // 6) : (offset + len(raw)) * 8 // 6]


def _spelled(text: str, other: dict[str, str], has_space: bool) -> str:
    # Else a backslash of the secret, and the letter behind it, would be taken for a line break.
    space = [_ESCAPED_SPACE] if "\\" not in text else []
    if has_space:
        space += _ways(" ")
        if "+" not in text:
            space.append(r"\+")
    # Possessive and bounded, so that no text makes the search slower than linear.
    between = f"(?:{'|'.join(space)}){{0,{_MAX_SPACES}}}+" if space else ""
    return between.join(
        "(?:" + "|".join(_ways(character) + (_ways(other[character]) if character in other else [])) + ")"
        for character in text
    )


@functools.cache
def _ways(character: str) -> list[str]:
    """Return expressions for every way to write one ASCII character; each begins with a literal, for a quick search."""
    code = ord(character)
    digits = "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in f"{code:02x}")
    names = "|".join(sorted(name.rstrip(";") for name, value in html.entities.html5.items() if value == character))
    entity = rf"#0{{0,6}}{code}|#[xX]0{{0,6}}{digits}" + (f"|{names}" if names else "")
    # The character itself comes last, as it may begin the way to write it: % and &.
    ways = [
        rf"%(?:25){{0,3}}{digits}",
        rf"&(?:amp;){{0,3}}(?:{entity});?",
        rf"\\\\{{0,7}}(?:u00{digits}|x{digits}|u\{{0{{0,6}}{digits}\}}|U000000{digits})",
    ]
    if character == "\\":
        return [*ways, r"\\\\{0,7}"]
    if not character.isalnum():
        ways.append(rf"\\\\{{0,7}}{re.escape(character)}")
    return [*ways, re.escape(character)]
