"""Where uploaded files lie: a folder, unless the environment names a bucket of S3 or a cloud of Cloudinary."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.settings.env import env

# How long a signed upload may be sent and named. Cloudinary's signatures are good for an hour in any case.
UPLOAD_TTL = timedelta(minutes=30)
# Of these only some people are shown the files; in S3 and at Cloudinary nobody gets them without a signature.
PRIVATE_FOLDERS = ("returns/", "uploads/")

MEDIA_STORAGE = env.str("MEDIA_STORAGE", default="local")
S3_BUCKET = env.str("S3_BUCKET", default="")
# Holds what is shown to some people only: a bucket that is closed to the public.
S3_PRIVATE_BUCKET = env.str("S3_PRIVATE_BUCKET", default="")
S3_REGION = env.str("S3_REGION", default="us-east-1")
# Of another than Amazon's: http://minio:9000
S3_ENDPOINT_URL = env.str("S3_ENDPOINT_URL", default="")
S3_ACCESS_KEY_ID = env.str("S3_ACCESS_KEY_ID", default="")
S3_SECRET_ACCESS_KEY = env.str("S3_SECRET_ACCESS_KEY", default="")
# Where browsers get the public bucket's files: its own address or that of a CDN.
S3_PUBLIC_URL = env.str("S3_PUBLIC_URL", default="")
CLOUDINARY_CLOUD = env.str("CLOUDINARY_CLOUD", default="")
CLOUDINARY_API_KEY = env.str("CLOUDINARY_API_KEY", default="")
CLOUDINARY_API_SECRET = env.str("CLOUDINARY_API_SECRET", default="")

_SECONDS_TO_CONNECT, _SECONDS_TO_READ, _TRIES = 3, 10, 2


def storages(data: Path) -> dict[str, Any]:
    """Return the storages ``default`` (public) and ``private``, for Django's ``STORAGES``.

    :param data: the folder for local files
    :raises ImproperlyConfigured: the kind is unknown, or something that it needs is not there
    """
    makers = {"local": _local, "s3": _s3, "cloudinary": _cloudinary}
    if MEDIA_STORAGE not in makers:
        raise ImproperlyConfigured(f"MEDIA_STORAGE must be {', '.join(makers)}, not {MEDIA_STORAGE!r}")
    return makers[MEDIA_STORAGE](data)


def _local(data: Path) -> dict[str, Any]:
    backend = "core.storages.local.LocalStorage"
    # Not below ``MEDIA_URL``: shown by views that know who may see it.
    return {"default": {"BACKEND": backend}, "private": {"BACKEND": backend, "OPTIONS": {"location": data / "private"}}}


def _s3(_: Path) -> dict[str, Any]:
    _need(
        S3_BUCKET=S3_BUCKET,
        S3_PRIVATE_BUCKET=S3_PRIVATE_BUCKET,
        S3_PUBLIC_URL=S3_PUBLIC_URL,
        S3_ACCESS_KEY_ID=S3_ACCESS_KEY_ID,
        S3_SECRET_ACCESS_KEY=S3_SECRET_ACCESS_KEY,
    )
    shared = {
        "access_key": S3_ACCESS_KEY_ID,
        "secret_key": S3_SECRET_ACCESS_KEY,
        "region_name": S3_REGION,
        "endpoint_url": S3_ENDPOINT_URL or None,
        "addressing_style": "path" if S3_ENDPOINT_URL else "auto",
        "signature_version": "s3v4",
        "querystring_auth": False,
        # Names are unguessable and made once: nobody asks whether one is taken.
        "file_overwrite": True,
        "connect_timeout": _SECONDS_TO_CONNECT,
        "read_timeout": _SECONDS_TO_READ,
        "tries": _TRIES,
    }
    public, address = {"bucket_name": S3_BUCKET}, urlsplit(S3_PUBLIC_URL)
    seen = {"custom_domain": f"{address.netloc}{address.path}".rstrip("/"), "url_protocol": f"{address.scheme}:"}
    backend = "core.storages.s3.S3Media"
    return {
        "default": {"BACKEND": backend, "OPTIONS": shared | public | seen},
        "private": {"BACKEND": backend, "OPTIONS": shared | {"bucket_name": S3_PRIVATE_BUCKET}},
    }


def _cloudinary(_: Path) -> dict[str, Any]:
    _need(
        CLOUDINARY_CLOUD=CLOUDINARY_CLOUD,
        CLOUDINARY_API_KEY=CLOUDINARY_API_KEY,
        CLOUDINARY_API_SECRET=CLOUDINARY_API_SECRET,
    )
    shared = {"cloud": CLOUDINARY_CLOUD, "key": CLOUDINARY_API_KEY, "secret": CLOUDINARY_API_SECRET}
    backend = "core.storages.cloudinary.CloudinaryStorage"
    return {
        "default": {"BACKEND": backend, "OPTIONS": shared},
        "private": {"BACKEND": backend, "OPTIONS": shared | {"kind": "authenticated"}},
    }


def _need(**named: str) -> None:
    missing = [name for name, value in named.items() if not value]
    if missing:
        raise ImproperlyConfigured(f"MEDIA_STORAGE={MEDIA_STORAGE} needs {', '.join(missing)}")
