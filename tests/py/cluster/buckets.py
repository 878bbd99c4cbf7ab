"""Buckets of a server that speaks S3."""

import uuid
from contextlib import contextmanager

import pytest


@contextmanager
def bucket_at(endpoint):
    """A fresh bucket: its name, the options for it, and boto3's client, which is the oracle."""
    boto3 = pytest.importorskip("boto3")
    options = {"key": "k", "secret": "s", "endpoint_url": endpoint, "client_kwargs": {"region_name": "us-east-1"}}
    client = boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id="k", aws_secret_access_key="s", region_name="us-east-1"
    )
    bucket = Bucket(f"b{uuid.uuid4().hex[:8]}", options, client)
    client.create_bucket(Bucket=bucket.name)
    yield bucket
    client.close()


class Bucket:
    def __init__(self, name, options, client):
        self.name, self.options, self.client = name, options, client

    def url(self, key):
        return f"s3://{self.name}/{key}"

    def list(self):
        return sorted(item["Key"] for item in self.client.list_objects_v2(Bucket=self.name).get("Contents", []))

    def uploads(self):
        return self.client.list_multipart_uploads(Bucket=self.name).get("Uploads", [])

    def read(self, key):
        return self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
