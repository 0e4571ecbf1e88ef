"""A bucket by S3's protocol, on loopback."""

from __future__ import annotations

from urllib.parse import quote


def s3_environment() -> dict[str, str]:
    """What boto3 wants to know; the local server takes anything."""
    return {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_EC2_METADATA_DISABLED": "true"}


def bucket_url(endpoint: str, prefix: str) -> str:
    """The address of a store in the server's bucket."""
    return f"s3://backups/{prefix}?endpoint_url={quote(endpoint, safe='')}&region_name=eu-west-1"
