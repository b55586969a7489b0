# SPDX-License-Identifier: Apache-2.0
"""How vendors are told their key."""

from __future__ import annotations

import dataclasses
import hmac
from collections.abc import Mapping
from typing import Protocol


class Auth(Protocol):
    """How a vendor is told its key."""

    def read(self, headers: Mapping[str, str]) -> str | None:
        """What a request's headers hold in the key's place; None: they are not for this vendor."""

    def accepts(self, sent: str, key: str) -> bool:
        """Whether what was sent is right.

        :param sent: what :meth:`read` returned.
        :param key: the simulator's key.
        """

    def headers(self, key: str) -> Mapping[str, str]:
        """The headers that a right request has."""


@dataclasses.dataclass(frozen=True)
class HeaderKey:
    """The key in a header, as it is or behind a word.

    :param name: name of the header, such as ``x-api-key``.
    :param scheme: the word before the key, such as ``Bearer``; empty (default): none.
    """

    name: str
    scheme: str = ""

    def read(self, headers: Mapping[str, str]) -> str | None:
        """The key that was sent; None: none was, or behind another word."""
        value = headers.get(self.name)
        if value is None or not self.scheme:
            return value
        scheme, _, key = value.partition(" ")
        return key.strip() if scheme.lower() == self.scheme.lower() else None

    def accepts(self, sent: str, key: str) -> bool:
        """Whether it is the key."""
        # A header may hold any bytes; aiohttp hands those that are no UTF-8 on as surrogates.
        return hmac.compare_digest(sent.encode(errors="surrogateescape"), key.encode())

    def headers(self, key: str) -> Mapping[str, str]:
        """The header that holds this key."""
        return {self.name: f"{self.scheme} {key}" if self.scheme else key}
