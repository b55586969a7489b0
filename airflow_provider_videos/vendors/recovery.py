# SPDX-License-Identifier: Apache-2.0
"""What can be done about an order whose answer was lost: values that a vendor names."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["AskAHuman", "Recovery", "ResendSameKey", "SearchByEcho", "SearchByName", "SearchByOwnId"]

#: Where an answer shows the fields of an order, by the fields' names in a request.
ShownFields = Mapping[str, tuple[str | int, ...]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchByName:
    """The vendor keeps the name of a video and lists its videos: the order is searched for by a mark in that name.

    The vendor must be a :class:`~airflow_provider_videos.vendors.base.Lists`.

    :param field: field of a request that names the video.
    :param shown: where a listed video and the answer to a poll show fields of the order, ``field`` among them.
    """

    field: str
    shown: ShownFields


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchByOwnId:
    """The vendor finds a task by an id that the client has chosen.

    The vendor must be a :class:`~airflow_provider_videos.vendors.base.FindsByOwnId`.

    :param field: field of a request that holds the id.
    """

    field: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchByEcho:
    """The vendor's list shows what was ordered, and nothing that a client could mark.

    A video that shows the same order, and is the only one that could be meant, is taken for it. The vendor must be a
    :class:`~airflow_provider_videos.vendors.base.Lists`.

    :param shown: where a listed video shows fields of the order; an object or a list is compared as a whole.
    :param expected: makes of a request what a listed video of it shows in these fields: ``None`` where it shows
        nothing; a field that is left out is not compared. By default, it shows what the request has, and no more.
    """

    shown: ShownFields
    expected: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None

    def expected_of(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what a listed video of this request shows."""
        if self.expected is not None:
            return self.expected(request)
        return {field: request.get(field) for field in self.shown}


@dataclasses.dataclass(frozen=True, kw_only=True)
class AskAHuman:
    """Nothing finds the order again: a person has to look.

    :param where: where at the vendor to look, as the end of a sentence that begins with "Look".
    """

    where: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ResendSameKey:
    """The vendor answers an order with an idempotency key that it knows with the video of the first one.

    :param lifetime: seconds from the first order for which it does.
    :param afterwards: what is done later than that.
    """

    lifetime: float
    afterwards: SearchByName | SearchByOwnId | SearchByEcho | AskAHuman = AskAHuman()


Recovery = ResendSameKey | SearchByName | SearchByOwnId | SearchByEcho | AskAHuman


def search_of(recovery: Recovery) -> SearchByName | SearchByOwnId | SearchByEcho | AskAHuman:
    """Return how an order is found again where an idempotency key does not help, or does not help any more."""
    return recovery.afterwards if isinstance(recovery, ResendSameKey) else recovery


def can_search(recovery: Recovery) -> bool:
    """Return whether the vendor can be asked for an order that is not known to it by an idempotency key."""
    return not isinstance(search_of(recovery), AskAHuman)


def shown_by(recovery: Recovery) -> ShownFields:
    """Return where answers show fields of an order, as far as the search for an order needs them."""
    search = search_of(recovery)
    return search.shown if isinstance(search, SearchByName | SearchByEcho) else {}


def marked_field_of(recovery: Recovery) -> str | None:
    """Return the field of a request that carries a mark of the order, ``None`` if none does."""
    search = search_of(recovery)
    return search.field if isinstance(search, SearchByName | SearchByOwnId) else None
