# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from pydantic import JsonValue, TypeAdapter

from airflow_provider_videos.ordering.record import (
    MAX_EARLIER_VIDEOS,
    MAX_REMEMBERED_NAME_CHARACTERS,
    MAX_REMEMBERED_ORDERS,
    Order,
    OrderRecord,
    OrderState,
)

#: What the versions without a number in the record have left in the task state store.
INTENT = {
    "fingerprint": "463d92064e83a7de52ba02d119c1b027",
    "number": 1,
    "intended_at": 1795000000.25,
    "max_tries": 2,
    "video_id": None,
    "is_reported": False,
}
WITH_ID = {**INTENT, "video_id": "8c3b9fd4c2", "number": 2}
REPORTED = {**WITH_ID, "is_reported": True}


def order(number: int = 1, **fields: Any) -> Order:
    values: dict[str, Any] = {"fingerprint": "f", "state": OrderState.SENT, "max_tries": 0} | fields
    return Order(number=number, **values)


def through_json(record: OrderRecord) -> OrderRecord:
    return OrderRecord.from_dict(TypeAdapter(JsonValue).validate_python(record.to_dict()))


@pytest.mark.parametrize("stored", [INTENT, WITH_ID, REPORTED], ids=["intent", "with id", "reported"])
def test_a_record_of_before_is_understood(stored: dict[str, Any]) -> None:
    [read] = OrderRecord.from_dict(stored).orders
    assert (read.fingerprint, read.number, read.max_tries) == (stored["fingerprint"], stored["number"], 2)
    assert (read.video_id, read.is_reported) == (stored["video_id"], stored["is_reported"])
    assert read.state == ("accepted" if stored["video_id"] else "sent")
    # When the answer was lost is not known, so that the search begins anew.
    assert (read.sent_at, read.lost_at, read.answer_due_at) == (1795000000.25, None, None)


def test_a_record_is_the_same_after_it_was_stored() -> None:
    record = OrderRecord(
        orders=(
            order(1, state=OrderState.ACCEPTED, video_id="v", earlier_video_ids=("a", "b"), is_reported=True),
            order(2, name="n", sent_at=1.5, answer_due_at=2.5, lost_at=3.5, losses=1, complete_searches=1),
        ),
        attempt=3,
    )
    assert through_json(record) == record
    assert through_json(OrderRecord()) == OrderRecord()


@pytest.mark.parametrize(
    "stored",
    [
        "text",
        {},
        {"version": 3, "orders": [], "attempt": 1},
        {"version": 2, "orders": {}, "attempt": 1},
        {"version": 2, "orders": [1], "attempt": 1},
        {"version": 2, "attempt": 1},
        {"version": 2, "orders": [{**order().to_dict(), "state": "dreamt"}], "attempt": 1},
        {"version": 2, "orders": [{**order().to_dict(), "state": "accepted"}], "attempt": 1},
        {"version": 2, "orders": [{**order().to_dict(), "newer": 1}], "attempt": 1},
        {"version": 2, "orders": [{**order().to_dict(), "sent_at": "today"}], "attempt": 1},
        {"version": 2, "orders": [{**order().to_dict(), "lost_at": float("nan")}], "attempt": 1},
        {**INTENT, "intended_at": "today"},
        {**INTENT, "number": "1"},
        {**INTENT, "fingerprint": None},
    ],
)
def test_what_is_no_record_is_refused(stored: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        OrderRecord.from_dict(stored)


def test_orders_without_a_video_are_forgotten_first() -> None:
    record = OrderRecord()
    for number in range(1, MAX_REMEMBERED_ORDERS + 3):
        record = record.with_order(order(number, video_id=None if number in {3, 5} else f"v{number}"))
    kept = [kept.number for kept in record.orders]
    assert kept == [number for number in range(1, MAX_REMEMBERED_ORDERS + 3) if number not in {3, 5}]
    assert record.next_number == MAX_REMEMBERED_ORDERS + 3


def test_the_order_that_is_being_sent_is_never_forgotten() -> None:
    record = OrderRecord()
    for number in range(1, MAX_REMEMBERED_ORDERS + 1):
        record = record.with_order(order(number, fingerprint=f"f{number}", video_id=f"v{number}"))
    sent = order(MAX_REMEMBERED_ORDERS + 1, fingerprint="new", video_id=None)
    assert record.with_order(sent).latest("new") == sent


def test_the_latest_order_of_a_request_counts() -> None:
    record = OrderRecord().with_order(order(1)).with_order(order(2, fingerprint="g")).with_order(order(3))
    assert record.latest("f") == order(3)
    assert record.latest("g") == order(2, fingerprint="g")
    assert record.latest("h") is None


def test_the_largest_record_fits_into_the_store() -> None:
    largest = order(
        name="\N{GRINNING FACE}" * MAX_REMEMBERED_NAME_CHARACTERS,
        earlier_video_ids=("v" * 36,) * MAX_EARLIER_VIDEOS,
        video_id="v" * 36,
    )
    record = OrderRecord(orders=tuple(dataclasses.replace(largest, number=n) for n in range(MAX_REMEMBERED_ORDERS)))
    # MySQL's TEXT, in which the store keeps it, holds 65,535 bytes.
    assert len(json.dumps(record.to_dict())) < 65_535
