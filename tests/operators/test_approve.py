# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.providers.standard.exceptions import HITLRejectException, HITLTimeoutError
from airflow.providers.standard.operators import hitl
from airflow.sdk import DAG, BaseOperator, task, task_group
from airflow.sdk.exceptions import AirflowSkipException, DownstreamTasksSkipped
from airflow.sdk.serde import deserialize, serialize

from airflow_provider_videos.airflow_compat.tasks import waits_for_input
from airflow_provider_videos.exceptions import VideoApprovalError, VideoIdError, VideoParameterError
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.operators.approve import ApproveVideoOperator
from airflow_provider_videos.simulator import Fault, Simulator
from tests.vendor_kit import Connect
from tests.waiting_kit import TaskInstance

RECORD: dict[str, Any] = {
    "vendor": "tavus",
    "video_id": "v1",
    "state": "ready",
    "status": "ready",
    "name": "Welcome",
    "download_url": "https://cdn.test/v1.mp4",
    "stream_url": None,
    "hosted_url": "https://tavus.test/v1",
    "gif_url": "https://cdn.test/v1.gif",
}
ANN = {"id": "1", "name": "ann"}


@dataclasses.dataclass
class AskedTask(TaskInstance):
    """Stands for the task instance that asks."""

    task_id: str = "approve"
    id: uuid.UUID = dataclasses.field(default_factory=uuid.uuid4)


class Asking:
    """One task instance that asks a person, as Airflow runs it: another process goes on with the answer."""

    def __init__(self, make: Callable[[], ApproveVideoOperator], map_index: int = -1) -> None:
        self.make = make
        self.ti = AskedTask(map_index=map_index)
        self.requests: list[dict[str, Any]] = []
        #: What was pushed by the time of the request.
        self.pushed_before: dict[str, Any] = {}
        self.kwargs: Any = None

    def ask(self) -> dict[str, Any]:
        """Run the task until it waits, and return its request."""
        operator = self.make()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(hitl, "upsert_hitl_detail", self._note)
            with pytest.raises(waits_for_input()) as caught:
                operator.execute(self._context(operator))
        assert caught.value.method_name == "execute_complete"  # type: ignore[attr-defined]
        self.kwargs = deserialize(serialize(caught.value.kwargs))  # type: ignore[attr-defined]
        [request] = self.requests
        return request

    def answer(self, *options: str, user: Any = ANN, **fields: Any) -> Any:
        """Go on with an answer; by default with the fields that Airflow's form sends."""
        sent = {name: field["value"] for name, field in self.requests[-1]["params"].items()} | fields
        return self.go_on({"chosen_options": [*options], "params_input": sent, "responded_by_user": user})

    def go_on(self, event: dict[str, Any]) -> Any:
        operator = self.make()
        event = {"responded_at": datetime(2026, 11, 22, tzinfo=UTC), "timedout": False, **event}
        return operator.execute_complete(self._context(operator), event=event, video=self.kwargs["video"])

    def _context(self, operator: BaseOperator) -> Any:
        return {"ti": self.ti, "task_instance": self.ti, "task": operator}

    def _note(self, **request: Any) -> None:
        self.pushed_before = dict(self.ti.xcoms)
        self.requests.append(request)


def approve(video: Any = RECORD, **arguments: Any) -> ApproveVideoOperator:
    return ApproveVideoOperator(task_id="approve", video_id=video, **arguments)


def asked(video: Any = RECORD, **arguments: Any) -> Asking:
    asking = Asking(lambda: approve(video, **arguments))
    asking.ask()
    return asking


def test_a_request_is_filled_from_the_record() -> None:
    [request] = asked().requests
    assert request["options"] == ["Approve", "Reject"]
    assert request["subject"] == "Approve this video? Welcome"
    assert request["body"].startswith("![Preview](<https://cdn.test/v1.gif>)")
    page = "http://localhost:8080/videos/dags/dag/runs/run/tasks/approve?map_index=-1"
    assert f"**[Watch video](<{page}>)**" in request["body"]
    assert request["defaults"] is None
    assert not request["multiple"]


def test_a_request_says_which_video_it_is_about_and_takes_a_comment() -> None:
    params = asked().requests[0]["params"]
    assert [*params] == ["video_id", "comment"]
    assert params["video_id"]["value"] == "v1"
    # So Airflow's form shows no field of it, and takes no other value.
    assert params["video_id"]["schema"]["const"] == "v1"
    assert params["comment"]["value"] == ""


def test_a_dag_may_say_it_in_its_own_words_and_ask_for_more() -> None:
    [request] = asked(subject="Publish?", body="Look.", params={"prompt": "A cat."}).requests
    assert (request["subject"], request["body"]) == ("Publish?", "Look.")
    assert [*request["params"]] == ["prompt", "video_id", "comment"]


def test_the_page_knows_the_video_before_there_is_a_request() -> None:
    video = {"vendor": "tavus", "video_id": "v1", "state": "ready", "status": "ready"}
    assert asked().pushed_before == {"waiting": video}


def test_a_rejected_video_is_in_no_key_that_other_tasks_read() -> None:
    asking = asked()
    assert asking.answer("Reject") is None
    assert sorted(asking.ti.xcoms) == ["answer", "waiting"]


def test_an_approval_returns_the_record() -> None:
    asking = asked()
    assert asking.answer("Approve", comment="Good.") == RECORD
    assert asking.ti.xcoms["answer"] == {
        "option": "Approve",
        "comment": "Good.",
        "params": {},
        "user": ANN,
        "answered_at": "2026-11-22T00:00:00+00:00",
    }
    assert asking.ti.xcoms["download_url"] == RECORD["download_url"]


def test_what_was_asked_about_is_returned_though_another_video_is_there_by_now() -> None:
    videos = [RECORD]
    asking = Asking(lambda: approve(videos[-1]))
    asking.ask()
    videos.append({**RECORD, "video_id": "v2"})
    assert asking.answer("Approve") == RECORD


def test_a_task_that_pushes_nothing_returns_the_record_too() -> None:
    asking = asked(do_xcom_push=False)
    assert asking.answer("Approve") == RECORD
    assert asking.ti.xcoms == {}


@pytest.mark.parametrize(
    "event",
    [
        {"params_input": {"video_id": "v2", "comment": ""}, "responded_by_user": ANN},
        {"params_input": {"comment": ""}, "responded_by_user": ANN},
        {"params_input": {}, "responded_by_user": ANN},
        {"params_input": None, "responded_by_user": ANN},
        {"params_input": {"video_id": None, "comment": ""}, "responded_by_user": ANN},
        {"params_input": {"video_id": ["v1"], "comment": ""}, "responded_by_user": ANN},
        {"params_input": {"video_id": "v1", "comment": ""}, "responded_by_user": None},
        {"params_input": {"video_id": "v1", "comment": ""}, "responded_by_user": ANN, "timedout": True},
    ],
    ids=["another", "without", "empty", "none", "null", "list", "nobody", "time"],
)
def test_nothing_but_a_persons_answer_about_this_video_approves_it(event: dict[str, Any]) -> None:
    asking = asked()
    with pytest.raises(VideoApprovalError, match=r"^Video 'v1' is not approved: "):
        asking.go_on({"chosen_options": ["Approve"], **event})
    assert "answer" not in asking.ti.xcoms
    assert "download_url" not in asking.ti.xcoms


@pytest.mark.parametrize("options", [[], ["Approve", "Reject"], ["approve"], ["Yes"]])
def test_an_answer_that_is_none_of_the_two_approves_nothing(options: list[str]) -> None:
    with pytest.raises(VideoApprovalError, match="the answer is "):
        asked().answer(*options)


@pytest.mark.parametrize("defaults", ["Approve", ["Approve"], ["Reject", "Approve"]])
def test_time_never_approves(defaults: Any) -> None:
    with pytest.raises(ValueError, match=r"^defaults must not have 'Approve': time never approves a video\.$"):
        approve(defaults=defaults)


def test_time_never_approves_though_the_default_is_set_behind_the_back() -> None:
    def make() -> ApproveVideoOperator:
        operator = approve()
        operator.defaults = ["Approve"]
        return operator

    asking = Asking(make)
    with pytest.raises(VideoParameterError, match="time never approves"):
        asking.ask()
    assert asking.requests == []


def test_time_may_reject() -> None:
    asking = asked(defaults="Reject", response_timeout=timedelta(minutes=1))
    assert asking.requests[0]["defaults"] == ["Reject"]
    assert asking.answer("Reject", user=None) is None
    assert asking.ti.xcoms["answer"]["user"] is None


def test_a_request_that_nobody_answered_in_time_fails() -> None:
    asking = asked(response_timeout=timedelta(minutes=1))
    with pytest.raises(HITLTimeoutError):
        asking.go_on({"error": "The timeout has passed.", "error_type": "timeout"})


def test_a_rejection_can_fail_the_task() -> None:
    asking = asked(fail_on_reject=True)
    with pytest.raises(HITLRejectException):
        asking.answer("Reject", comment="No.")
    assert asking.ti.xcoms["answer"]["comment"] == "No."


@pytest.mark.parametrize("argument", ["options", "multiple"])
def test_the_two_options_are_fixed(argument: str) -> None:
    with pytest.raises(ValueError, match=argument):
        approve(**{argument: ["Approve"]})


def test_the_field_that_names_the_video_is_not_the_dags() -> None:
    with DAG("dag", schedule=None, params={"video_id": "v2", "other": 1}):
        operators = [approve(params={"video_id": "v2"}), ApproveVideoOperator(task_id="plain", video_id=RECORD)]
    for operator in operators:
        asking = Asking(lambda operator=operator: operator)  # type: ignore[misc]
        params = asking.ask()["params"]
        assert [*params] == ["video_id", "comment"]
        assert params["video_id"]["value"] == "v1"


def test_an_id_needs_a_connection() -> None:
    asking = Asking(lambda: approve("v1"))
    with pytest.raises(VideoParameterError, match="needs a conn_id"):
        asking.ask()


@pytest.mark.parametrize("video", ["", "None", None, {"vendor": "tavus"}, 1.5])
def test_what_is_no_video_is_refused(video: Any) -> None:
    with pytest.raises(VideoIdError):
        approve(video)


@pytest.mark.parametrize("state", ["generating", "failed", "deleted", "unknown"])
def test_only_a_ready_video_can_be_approved(state: str) -> None:
    asking = Asking(lambda: approve({**RECORD, "state": state}))
    with pytest.raises(VideoParameterError, match=f"'{state}', 'v1': only a ready one"):
        asking.ask()
    assert asking.requests == []


def test_the_vendor_is_asked_once_for_a_video_by_its_id(simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video("tavus", video_name="Asked")
    conn_id = connect("tavus")
    asking = asked(video_id, conn_id=conn_id)
    assert asking.requests[0]["subject"] == "Approve this video? Asked"
    record = VideoHook.get_hook(conn_id).get_video(video_id).to_dict()
    # No answer of a person may be lost because a vendor doesn't answer.
    simulator.add_fault(Fault("status", status=500, times=100))
    assert asking.answer("Approve") == record


def test_a_kept_file_can_be_approved() -> None:
    kept = {"vendor": "tavus", "video_id": "v1", "path": "s3://b/v1.mp4", "bytes": 7, "sha256": "0"}
    asking = asked(kept)
    assert "- Kept at: ` s3://b/v1.mp4 `" in asking.requests[0]["body"]
    assert asking.answer("Approve") == kept


def in_dag(map_index: int, group: bool = False) -> tuple[Asking, DAG]:
    """Put the task into a Dag where tasks of every kind follow it."""
    with DAG("dag", schedule=None) as dag:

        @task
        def use(video: Any) -> None: ...

        @task
        def all_of(videos: Any) -> None: ...

        @task_group
        def of_each(video: Any) -> None:
            use.override(task_id="inside")(video)

        def make() -> Any:
            if map_index < 0:
                return approve()
            return ApproveVideoOperator.partial(task_id="approve").expand(video_id=[RECORD, RECORD])

        @task_group
        def each(video: Any) -> None:
            use.override(task_id="same")(ApproveVideoOperator(task_id="approve", video_id=video).output)

        if group:
            each.expand(video=[RECORD, RECORD])
        else:
            asking_task = make()
            alike = use.override(task_id="alike").expand(video=[1, 2])
            use.override(task_id="over").expand(video=asking_task.output)
            of_each.expand(video=asking_task.output)
            asking_task >> [alike, all_of(asking_task.output)]

    def fresh() -> ApproveVideoOperator:
        operator: Any = dag.get_task("each.approve" if group else "approve")
        if operator.is_mapped:
            operator = operator.unmap({"video_id": RECORD})
        elif group:
            operator = operator.prepare_for_execution()
            operator.video_id = RECORD
        return operator  # type: ignore[no-any-return]

    asking = Asking(fresh, map_index)
    asking.ask()
    return asking, dag


def test_a_rejection_skips_what_follows() -> None:
    asking, _ = in_dag(-1)
    with pytest.raises(DownstreamTasksSkipped) as caught:
        asking.answer("Reject", comment="No.")
    assert {"alike", "all_of"} <= {*caught.value.tasks}
    assert asking.ti.xcoms["answer"]["comment"] == "No."


def test_a_rejection_of_one_of_many_skips_what_has_its_index_and_not_what_counts_the_approved_ones() -> None:
    asking, _ = in_dag(1)
    assert asking.answer("Reject") is None
    # all_of is not mapped; Airflow looks for its index, which this one doesn't have.
    assert sorted(asking.ti.xcoms["skipmixin_key"]["skipped"]) == ["alike", "all_of"]


def test_a_rejection_in_a_mapped_group_skips_the_task_itself_since_airflow_would_go_on_there() -> None:
    asking, _ = in_dag(1, group=True)
    with pytest.raises(AirflowSkipException, match="Video 'v1' was rejected"):
        asking.answer("Reject")
    assert asking.ti.xcoms["answer"]["option"] == "Reject"
    assert in_dag(1, group=True)[0].answer("Approve") == RECORD
