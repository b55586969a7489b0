# SPDX-License-Identifier: Apache-2.0
"""An S3 on a real socket."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Generator
from typing import Any
from urllib.parse import quote


@dataclasses.dataclass
class ObjectStore:
    """An S3 with one bucket."""

    endpoint: str
    client: Any
    bucket: str = "videos"
    conn_id: str = "video_store"

    @property
    def uri(self) -> str:
        """The Airflow connection to it."""
        return f"aws://key:secret@/?endpoint_url={quote(self.endpoint, safe='')}&region_name=us-east-1"

    def file_system(self) -> Any:
        """What Airflow makes of the connection."""
        from airflow.sdk import ObjectStoragePath

        return ObjectStoragePath(f"s3://{self.bucket}/", conn_id=self.conn_id).fs

    def names(self) -> list[str]:
        """The names of what can be seen in the bucket."""
        return [found["Key"] for found in self.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])]

    def uploads(self) -> int:
        """How many uploads were begun and neither committed nor dropped."""
        return len(self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", []))

    def head(self, key: str) -> dict[str, Any]:
        """What is known of an object."""
        head: dict[str, Any] = self.client.head_object(Bucket=self.bucket, Key=key)
        return head

    def content(self, key: str) -> bytes:
        """An object."""
        content: bytes = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return content

    def empty(self) -> None:
        """Leave nothing in the bucket."""
        for key in self.names():
            self.client.delete_object(Bucket=self.bucket, Key=key)
        for upload in self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", []):
            self.client.abort_multipart_upload(Bucket=self.bucket, Key=upload["Key"], UploadId=upload["UploadId"])


@contextlib.contextmanager
def object_store() -> Generator[ObjectStore]:
    """Run an S3 in a thread."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="key",
            aws_secret_access_key="secret",
        )
        client.create_bucket(Bucket=ObjectStore.bucket)
        yield ObjectStore(endpoint, client)
    finally:
        server.stop()
