"""Creates the buckets of the team's S3 store, unless they are there."""

import os

import boto3

store = boto3.client("s3", endpoint_url=os.environ["MLFLOW_S3_ENDPOINT_URL"])
there = {bucket["Name"] for bucket in store.list_buckets()["Buckets"]}
for name in {"mlflow", "dvc"} - there:
    store.create_bucket(Bucket=name)
