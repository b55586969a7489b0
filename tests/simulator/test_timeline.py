# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import itertools
import time
import uuid

import pytest

from airflow_provider_videos.simulator import Simulator
from airflow_provider_videos.simulator.videos import Ending, Form, Moment, Outcome, SimulatedVideo, VendorName

from .client import Client


def video(outcome: Outcome = "ready", ending: Ending | None = None) -> SimulatedVideo:
    return SimulatedVideo(
        vendor="tavus",
        video_id="a",
        order={},
        outcome=outcome,
        queued=10.0,
        generating=20.0,
        ordered_at=1000.0,
        created_at=5000.0,
        ending=ending,
    )


@pytest.mark.parametrize(
    ("now", "moment"),
    [
        (1000.0, Moment("queued", 0, 5000.0)),
        (1009.9, Moment("queued", 0, 5000.0)),
        (1010.0, Moment("generating", 0, 5010.0)),
        (1015.0, Moment("generating", 25, 5010.0)),
        (1029.99, Moment("generating", 99, 5010.0)),
        (1030.0, Moment("ready", 100, 5030.0)),
        (9999.0, Moment("ready", 100, 5030.0)),
    ],
)
def test_the_clock_alone_says_where_a_video_stands(now: float, moment: Moment) -> None:
    assert video().at(now) == moment


def test_a_stuck_video_is_generating_for_ever_and_never_complete() -> None:
    assert video("stuck").at(1_000_000.0) == Moment("generating", 99, 5010.0)


def test_a_failed_video_has_made_no_progress() -> None:
    assert video("failed").at(1030.0) == Moment("failed", 0, 5030.0)


@pytest.mark.parametrize("phase", ["deleted", "cancelled"])
def test_a_request_can_end_every_phase(phase: str) -> None:
    assert video(ending=Ending(phase, 1012.0)).at(1012.5) == Moment(phase, 0, 5012.0)


@pytest.mark.parametrize(
    ("vendor", "form", "expected"),
    [
        ("tavus", "documented", ["queued", "generating", "ready"]),
        ("tavus", "observed", ["queued", "generating", "ready"]),
        ("together", "documented", ["in_progress", "completed"]),
        ("together", "observed", ["queued", "in_progress", "completed"]),
    ],
)
def test_a_video_moves_from_queued_to_ready(
    simulator: Simulator, tavus: Client, together: Client, vendor: VendorName, form: Form, expected: list[str]
) -> None:
    client = {"tavus": tavus, "together": together}[vendor]
    video_id = simulator.add_video(vendor, queued=600, form=form)
    statuses = [client.look(video_id).json()["status"]]
    # Polling a clock that runs would miss a status on a busy machine.
    simulator.set_video(vendor, video_id, queued=0, generating=600)
    statuses.append(client.look(video_id).json()["status"])
    simulator.set_video(vendor, video_id, generating=0)
    statuses.append(client.look(video_id).json()["status"])
    assert [status for status, _ in itertools.groupby(statuses)] == expected


def test_a_video_is_ready_once_its_time_is_over(simulator: Simulator, tavus: Client) -> None:
    video_id = simulator.add_video("tavus", queued=0.05, generating=0.05)
    deadline = time.monotonic() + 10
    while tavus.look(video_id).json()["status"] != "ready":
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_changed_video_is_judged_from_the_moment_it_was_ordered(simulator: Simulator, tavus: Client) -> None:
    video_id = simulator.add_video("tavus", queued=600)
    simulator.set_video("tavus", video_id, queued=0, generating=0, outcome="failed")
    assert tavus.look(video_id).json()["status"] == "error"


def test_ids_look_like_the_vendors_own_and_differ(simulator: Simulator) -> None:
    assert len(bytes.fromhex(simulator.add_video("tavus"))) == 5
    together_ids = [uuid.UUID(simulator.add_video("together")) for _ in range(100)]
    assert {(one.version, one.variant) for one in together_ids} == {(7, uuid.RFC_4122)}
    assert len(set(together_ids)) == 100


@pytest.mark.parametrize(
    ("field", "options"),
    [
        ("vendor", {"vendor": "nobody"}),
        ("vendor", {"vendor": ["tavus"]}),
        ("queued", {"queued": -1}),
        ("queued", {"queued": True}),
        ("generating", {"generating": float("nan")}),
        ("generating", {"generating": "soon"}),
        ("outcome", {"outcome": "cancelled"}),
        ("form", {"form": "imagined"}),
        ("video_id", {"video_id": ""}),
        ("without", {"without": "status"}),
        ("fields", {"status": object()}),
    ],
)
def test_an_unusable_option_is_refused_by_name(simulator: Simulator, field: str, options: dict[str, object]) -> None:
    vendor = options.pop("vendor", "tavus")
    with pytest.raises(ValueError, match=field):
        simulator.add_video(vendor, **options)  # type: ignore[arg-type]


def test_an_unknown_video_can_not_be_changed(simulator: Simulator) -> None:
    with pytest.raises(KeyError, match="nothing-there"):
        simulator.set_video("tavus", "nothing-there", outcome="failed")


def test_a_refused_change_leaves_the_video_as_it_was(simulator: Simulator, tavus: Client) -> None:
    video_id = simulator.add_video("tavus")
    with pytest.raises(ValueError, match="outcome"):
        simulator.set_video("tavus", video_id, queued=600, outcome="cancelled")
    assert tavus.look(video_id).json()["status"] == "ready"
