# SPDX-License-Identifier: Apache-2.0
"""How an order is marked, and found again at its vendor: one class for each strategy that a vendor may name."""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_videos.exceptions import VideoError
from airflow_provider_videos.ordering.naming import Marks, read_mark
from airflow_provider_videos.ordering.record import MAX_REMEMBERED_NAME_CHARACTERS, Order
from airflow_provider_videos.ordering.search import (
    Patiently,
    SearchResult,
    find_alike,
    find_earlier,
    find_echo,
    find_marked,
    is_alike,
    shows_order,
)
from airflow_provider_videos.vendors.recovery import (
    AskAHuman,
    Recovery,
    SearchByEcho,
    SearchByName,
    SearchByOwnId,
    search_of,
)

if TYPE_CHECKING:
    from airflow_provider_videos.hooks.video import VideoHook

log = logging.getLogger(__name__)

#: Numbers of orders that are searched for where it is not known how many there were.
MAX_FORGOTTEN_ORDERS = 100
#: The same where each number takes a call of its own.
MAX_FORGOTTEN_OWN_IDS = 20
IsOthers = Callable[[str], bool]


@dataclasses.dataclass(frozen=True)
class OrderFinder:
    """Finds nothing: a person has to look.

    :param hook: the vendor's.
    :param marks: gives the marks of the task instance's orders.
    :param recovery: what the vendor names.
    """

    hook: VideoHook
    marks: Marks
    recovery: Recovery
    #: Whether the vendor can be asked for an order.
    can_search: ClassVar[bool] = False
    #: Whether what is found may be another's until that one has had the time to record it.
    waits_for_others: ClassVar[bool] = False
    #: The field of a request that carries a mark, ``None`` if none does.
    field: str | None = None

    def token(self, number: int) -> str | None:
        """Return what the field holds for an order, unless the user has filled it."""
        return None

    def earlier_video_ids(self, request: Mapping[str, Any], *, is_users: bool) -> tuple[tuple[str, ...], bool]:
        """Return the ids of videos that would be taken for an order, and were there before it.

        :param request: the order as it is about to be sent.
        :param is_users: whether the user has filled the field.
        :return: the ids, and whether these are all.
        """
        return (), True

    def search(
        self, order: Order, request: Mapping[str, Any], *, since: float, is_others: IsOthers, patiently: Patiently
    ) -> SearchResult:
        """Search once; of an order with the number 0 nothing is known but its request.

        :param order: the order.
        :param request: as the task would send it now, without a token of the order's own.
        :param since: Unix time of the order.
        :param is_others: says whether the video of an id is known to be another order's.
        :param patiently: makes the calls.
        """
        raise NotImplementedError

    def is_ambiguous(self, order: Order) -> bool:
        """Return whether a video without a mark of the order may be that of another iteration of a task loop.

        A task can't read what the other iterations left in XCom.
        """
        return order.number == 0 and self.marks.iteration is not None

    def where_to_look(self, order: Order | None) -> str:
        """Return where a person finds the video, as the end of a sentence that begins with "Look"."""
        search = search_of(self.recovery)
        told = search.where if isinstance(search, AskAHuman) else ""
        return told or f"among your videos at {self.hook.hook_name} for one that was ordered at about this time"


class NameFinder(OrderFinder):
    """Searches the vendor's list for a mark in the name, or for the name that a user gave."""

    can_search = True

    def token(self, number: int) -> str | None:
        """Return a name with the order's mark."""
        return self.marks.name(number)

    def earlier_video_ids(self, request: Mapping[str, Any], *, is_users: bool) -> tuple[tuple[str, ...], bool]:
        """Return the videos that have the name already."""
        field = self.field or ""
        if not is_users:
            return (), True
        return find_earlier(self.hook, lambda listed: is_alike(listed.shown.get(field, ""), request[field]))

    def search(
        self, order: Order, request: Mapping[str, Any], *, since: float, is_others: IsOthers, patiently: Patiently
    ) -> SearchResult:
        """Search by the name that the order was sent with, and by marks if it may have had none."""
        field = self.field or ""
        numbers = [order.number] if order.number else range(1, MAX_FORGOTTEN_ORDERS + 1)
        own_name = _sent_by_user(order, request.get(field))
        if own_name is not None:
            result = find_alike(
                self.hook,
                field,
                {**request, field: own_name},
                since=since,
                is_others=is_others,
                patiently=patiently,
            )
            if len(result.found) > 1 or self.is_ambiguous(order):
                result.unsure += [video_id for _, video_id in result.found]
                result.found = []
            if order.number or result.found or result.unsure or result.problem:
                return result
        # Of a forgotten order it is not known whether it had a name of the user's own.
        marks = {self.marks.mark(number): number for number in numbers}
        return find_marked(self.hook, field, marks, order.name, since=since, patiently=patiently)

    def where_to_look(self, order: Order | None) -> str:
        """Name the video, where its name is known."""
        if order is None or not order.name:
            return super().where_to_look(order)
        return f"among your videos at {self.hook.hook_name} for one with the name {order.name!r}"


class OwnIdFinder(OrderFinder):
    """Asks the vendor for the id that the order chose itself."""

    can_search = True

    def token(self, number: int) -> str | None:
        """Return an id made of the order's mark."""
        return f"airflow-{self.marks.mark(number)}"

    def earlier_video_ids(self, request: Mapping[str, Any], *, is_users: bool) -> tuple[tuple[str, ...], bool]:
        """Return the video that has the id already, if the user has chosen it."""
        if not is_users:
            return (), True
        try:
            video = self.hook.find_video(request[self.field or ""], request)
        except VideoError as error:
            log.info("Whether there is a video of the id that was chosen for this order can't be asked: %s", error)
            return (), False
        return () if video is None else (video.video_id,), True

    def search(
        self, order: Order, request: Mapping[str, Any], *, since: float, is_others: IsOthers, patiently: Patiently
    ) -> SearchResult:
        """Ask for the id that the order was sent with; for those of all orders if none is known."""
        result = SearchResult()
        own_id = _sent_by_user(order, request.get(self.field or ""))
        if own_id is not None and own_id == order.name and len(own_id) >= MAX_REMEMBERED_NAME_CHARACTERS:
            result.problem = "only the beginning of the id that it was sent with is remembered"
            return result
        if order.number:
            ids = {order.number: own_id or order.name or self.token(order.number) or ""}
        else:
            ids = {number: self.token(number) or "" for number in range(1, MAX_FORGOTTEN_OWN_IDS + 1)}
            ids |= {0: own_id} if own_id is not None else {}
        for number, asked in ids.items():
            video = patiently(lambda asked=asked: self.hook.find_video(asked, request))  # type: ignore[misc]
            is_ambiguous = number == 0 and self.is_ambiguous(order)
            if video is not None and (is_others(video.video_id) or not order.earlier_are_known or is_ambiguous):
                # The vendor may have another one of this id, and show only one of them.
                result.unsure.append(video.video_id)
            elif video is not None:
                result.found.append((number, video.video_id))
        return result

    def where_to_look(self, order: Order | None) -> str:
        """Name the id, where it is known."""
        if order is None or not order.name:
            return super().where_to_look(order)
        return f"among your videos at {self.hook.hook_name} for one whose {self.field} is {order.name!r}"


class EchoFinder(OrderFinder):
    """Searches the vendor's list for the only video that shows the same order."""

    can_search = True
    waits_for_others = True

    def earlier_video_ids(self, request: Mapping[str, Any], *, is_users: bool) -> tuple[tuple[str, ...], bool]:
        """Return the videos that show the same order already."""
        expected = self._expected(request)
        return find_earlier(self.hook, lambda listed: shows_order(listed, expected))

    def search(
        self, order: Order, request: Mapping[str, Any], *, since: float, is_others: IsOthers, patiently: Patiently
    ) -> SearchResult:
        """Search for the one video that shows the order; that there is none proves nothing."""
        until = math.inf if order.answer_due_at is None else order.answer_due_at
        result = find_echo(
            self.hook, self._expected(request), since=since, until=until, is_others=is_others, patiently=patiently
        )
        if not order.earlier_are_known or self.is_ambiguous(order):
            result.unsure += [video_id for _, video_id in result.found]
            result.found = []
        return result

    def where_to_look(self, order: Order | None) -> str:
        """Say that the request is shown."""
        return f"{super().where_to_look(order)} and shows this request"

    def _expected(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        search = search_of(self.recovery)
        return search.expected_of(request) if isinstance(search, SearchByEcho) else {}


def finder_for(hook: VideoHook, marks: Marks, recovery: Recovery) -> OrderFinder:
    """Return what finds a vendor's orders.

    :param hook: the vendor's.
    :param marks: gives the marks of the task instance's orders.
    :param recovery: what the vendor names.
    """
    match search_of(recovery):
        case SearchByName(field=field):
            return NameFinder(hook, marks, recovery, field)
        case SearchByOwnId(field=field):
            return OwnIdFinder(hook, marks, recovery, field)
        case SearchByEcho():
            return EchoFinder(hook, marks, recovery)
        case _:
            return OrderFinder(hook, marks, recovery)


def _sent_by_user(order: Order, now: str | None) -> str | None:
    """Return what the order's field was sent with, if it is a user's own and not a mark's.

    :param order: the order, which remembers the beginning.
    :param now: what the user fills the field with now.
    """
    sent = order.name
    if sent is None or (now is not None and now[:MAX_REMEMBERED_NAME_CHARACTERS] == sent):
        return now
    return sent if read_mark(sent) is None else None
