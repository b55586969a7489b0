# SPDX-License-Identifier: Apache-2.0
"""What is remembered of an order: values only, without I/O and without a clock of its own."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Collection, Mapping
from typing import Any

MAX_NAME_CHARACTERS = 80


@dataclasses.dataclass(frozen=True, kw_only=True)
class OrderRecord:
    """One order of a task instance, from just before it is sent.

    :param fingerprint: of the request; see :func:`fingerprint`.
    :param number: which order of the task instance it is, from 1.
    :param intended_at: Unix time just before it was sent.
    :param max_tries: the task instance's at that time. Airflow raises it when a user clears the task, and only then.
    :param video_id: the vendor's id of the video; ``None`` as long as the vendor has not told it.
    :param is_reported: whether the task has failed because the video did.
    """

    fingerprint: str
    number: int
    intended_at: float
    max_tries: int
    video_id: str | None = None
    is_reported: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Give the record as a JSON object, for :meth:`from_dict`."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, stored: object) -> OrderRecord:
        """Read what :meth:`to_dict` gave.

        :raises ValueError: if it is no such thing.
        """
        if not isinstance(stored, Mapping):
            raise ValueError(f"it is a {type(stored).__name__}, no object")
        try:
            record = cls(**stored)
        except TypeError as error:
            raise ValueError(str(error)) from None
        if not isinstance(record.fingerprint, str) or not isinstance(record.video_id, str | None):
            raise ValueError("a field that should be a text is none")
        if not all(isinstance(value, int | float) for value in (record.number, record.intended_at, record.max_tries)):
            raise ValueError("a field that should be a number is none")
        return record


def fingerprint(vendor: str, request: Mapping[str, Any], free_fields: Collection[str]) -> str:
    """Give a text that is the same for requests that the vendor makes the same video of, at the same price.

    :param vendor: connection type of the vendor.
    :param request: the order's fields, none of them ``None``.
    :param free_fields: those of them that change neither.
    """
    paid = {field: value for field, value in request.items() if field not in free_fields}
    text = json.dumps([vendor, paid], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def marked_name(*, dag_id: str, task_id: str, run_id: str, map_index: int, record: OrderRecord) -> str:
    """Give a name for the video by which this very order is found again."""
    text = json.dumps([dag_id, task_id, run_id, map_index, record.fingerprint, record.number])
    mark = hashlib.sha256(text.encode()).hexdigest()[:24]
    return f"{f'{dag_id}.{task_id}'[:MAX_NAME_CHARACTERS]} airflow-{mark}"


def is_marked(name: str) -> bool:
    """Say whether a name was given by :func:`marked_name`, and not by a person."""
    return re.search(r" airflow-[0-9a-f]{24}$", name) is not None
