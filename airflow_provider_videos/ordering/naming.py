# SPDX-License-Identifier: Apache-2.0
"""What tells one order from another: a fingerprint of its request, and a mark of its task instance."""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

MAX_NAME_CHARACTERS = 80


def fingerprint(vendor: str, request: Mapping[str, Any], free_fields: Collection[str]) -> str:
    """Return a text that is the same for requests that the vendor makes the same video of, at the same price.

    It must stay the same from version to version: another one reads as another request, which is ordered and paid.

    :param vendor: connection type of the vendor.
    :param request: the order's fields, none of them ``None``.
    :param free_fields: those of them that change neither.
    """
    paid = {field: value for field, value in request.items() if field not in free_fields}
    text = json.dumps([vendor, paid], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Slot:
    """One order of a batch.

    :param key: the fingerprint of its request and its place among equal ones.
    :param request: the order's fields.
    :param place: its place among equal requests, from 0.
    :param position: its place in the list, from 0.
    """

    key: str
    request: Mapping[str, Any]
    place: int
    position: int


def slots_of(requests: Sequence[Mapping[str, Any]], conn_type: str, free_fields: Collection[str]) -> list[Slot]:
    """Return the orders of a batch.

    :param requests: the orders' fields, in the order of the list.
    :param conn_type: connection type of the vendor.
    :param free_fields: the vendor's fields that change neither the video nor the bill.
    """
    equal: collections.Counter[str] = collections.Counter()
    slots = []
    for position, request in enumerate(requests):
        same = fingerprint(conn_type, request, free_fields)
        slots.append(Slot(key=slot_key(same, equal[same]), request=request, place=equal[same], position=position))
        equal[same] += 1
    return slots


def slot_key(fingerprint: str, place: int | None) -> str:
    """Return a text that tells one of a task instance's orders of equal requests from the others.

    :param fingerprint: of the request.
    :param place: which of them it is, from 0; ``None`` if there is but one.
    """
    return fingerprint if place is None else f"{fingerprint}.{place}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Marks:
    """Gives the marks and the names by which the orders of one task instance for one request are found again.

    A mark is 24 hexadecimal digits. It must stay the same from version to version.

    :param dag_id: of the task instance, as the next three and the last.
    :param fingerprint: of the request.
    :param iteration: of the task loop that it is in, ``None`` if it is in none.
    """

    dag_id: str
    task_id: str
    run_id: str
    map_index: int
    fingerprint: str
    iteration: int | None = None

    def mark(self, number: int) -> str:
        """Return the mark of an order, by its number."""
        place = [self.dag_id, self.task_id, self.run_id, self.map_index, self.fingerprint, number]
        text = json.dumps(place if self.iteration is None else [*place, self.iteration])
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    def name(self, number: int) -> str:
        """Return a name for the video of an order. The mark comes first, in case the vendor cuts names."""
        return f"airflow-{self.mark(number)} {f'{self.dag_id}.{self.task_id}'[:MAX_NAME_CHARACTERS]}"


def read_mark(name: str) -> str | None:
    """Read the mark in a name, or its beginning if the name was cut; ``None`` if a person gave the name.

    Earlier names had the mark at their end.
    """
    found = re.search(r"^airflow-([0-9a-f]{8,24})(?: |$)", name) or re.search(r" airflow-([0-9a-f]{8,24})$", name)
    return found[1] if found else None


def is_made_up(name: str, video_id: str) -> bool:
    """Say whether this package made a video's name up, or Tavus did: its names end in the video's id."""
    name = name.strip()
    return read_mark(name) is not None or bool(video_id and name.endswith(video_id))
