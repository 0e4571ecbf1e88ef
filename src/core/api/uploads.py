"""Pictures in: ``multipart/form-data`` within limits, decoded and stored before any transaction."""

from __future__ import annotations

from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser

from core import uploads
from core.api.parsers import StrictJSONParser
from core.api.serializers import Input
from core.api.views import ApiView
from core.errors import Invalid, Malformed, TooLarge, Unauthenticated, Unavailable
from core.images import CleanImage, NotAnImage, StoredImage, clean_image
from core.media import discard_files, store_images

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rest_framework.request import Request

# What headers, boundaries and texts may add to the files.
_MARGIN_BYTES = 1024 * 1024
# A full disk does not empty itself in seconds.
_RETRY_AFTER_FULL_DISK_SECONDS = 60


class UploadParser(MultiPartParser):
    """Reads a form with files, of at most ``settings.UPLOAD_MAX_BYTES`` each. Set it in ``parser_classes``.

    :raises TooLarge: a file, the number of files, or the whole is more than allowed
    :raises Unavailable: there is no room to put the files
    """

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        request = (parser_context or {})["request"]
        most = settings.UPLOAD_MAX_BYTES * settings.DATA_UPLOAD_MAX_NUMBER_FILES + _MARGIN_BYTES
        if _length_of(request) > most:
            raise TooLarge(max_bytes=most)
        request.upload_handlers.insert(0, _SizeLimit(request))
        try:
            return super().parse(stream, media_type=media_type, parser_context=parser_context)
        except UnreadablePostError:
            raise
        except OSError as error:
            raise Unavailable(retry_after=_RETRY_AFTER_FULL_DISK_SECONDS) from error


class UploadsInput(Input):
    """Pictures that lie in the storage (``POST uploads``), instead of those in a form; beside them its other fields."""

    uploads = serializers.ListField(
        child=serializers.CharField(max_length=500), min_length=1, max_length=settings.DATA_UPLOAD_MAX_NUMBER_FILES
    )


class UploadView(ApiView):
    """An endpoint that takes pictures by POST or PUT, in the form field ``file_field``.

    Or as JSON, with the tickets of files that were put straight into the storage (``core.uploads``) in ``uploads``.

    They are checked, decoded and stored before the handler runs, since with an ``Idempotency-Key`` that is inside a
    transaction; the handler finds them in ``self.stored`` and the other fields in ``self.fields``. A refusal or a
    replayed answer removes the files again. After a 5xx they stay: whether a row names them may not be known, and those
    that none names are swept away later.
    """

    parser_classes = [UploadParser, StrictJSONParser]
    upload_input: ClassVar[type[Input]]
    file_field: ClassVar[str] = "image"
    folder: ClassVar[str]
    refusal: ClassVar[type[Invalid]] = NotAnImage

    stored: list[StoredImage]
    fields: dict[str, Any]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method not in {"POST", "PUT"}.intersection(self.allowed_methods):
            return
        form = self.upload_input(data=self._put_there(request) if _is_json(request) else request.data)
        form.is_valid(raise_exception=True)
        self.fields = dict(form.validated_data)
        given = self.fields.pop(self.file_field)
        files = given if isinstance(given, list) else [given]
        self.stored = store_images([self._clean(at, file) for at, file in enumerate(files)], folder=self.folder)

    def _put_there(self, request: Request) -> dict[str, Any]:
        """Return the body with the files that its ``uploads`` name, as if they had been sent with it.

        They stay in the storage until they are swept away, so that a repeated request finds them.
        """
        if request.user is None:
            raise Unauthenticated
        request._request.body  # noqa: B018, SLF001 - kept: an Idempotency-Key has it read again
        said: dict[str, Any] = dict(request.data)
        named = UploadsInput(data={"uploads": said.pop("uploads", None)})
        named.is_valid(raise_exception=True)
        names = [uploads.named_by(ticket=each, owner=str(request.user.pk)) for each in named.validated_data["uploads"]]
        files = [SimpleUploadedFile(PurePath(name).name, uploads.fetch(name).read()) for name in names]
        is_one = not isinstance(self.upload_input().fields[self.file_field], serializers.ListField)
        if is_one and len(files) > 1:
            raise Malformed.field("uploads", "It is one picture.")
        return said | {self.file_field: files[0] if is_one else files}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.stored = []
        response = super().dispatch(request, *args, **kwargs)
        if 400 <= response.status_code < 500 or "Idempotent-Replayed" in response:
            discard_files([image.name for image in self.stored])
        return response

    def _clean(self, at: int, file: Any) -> CleanImage:
        try:
            return clean_image(file)
        except NotAnImage as error:
            raise self.refusal(error.detail, file=at, **error.facts) from error


class _SizeLimit(FileUploadHandler):
    """Stops at the byte that is too many, before the rest is kept anywhere."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.received_bytes = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.received_bytes += len(raw_data)
        if self.received_bytes > settings.UPLOAD_MAX_BYTES:
            raise RequestDataTooBig(f"A file has more than {settings.UPLOAD_MAX_BYTES} bytes.")
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None


def _is_json(request: Request) -> bool:
    return (request.content_type or "").partition(";")[0].strip() == "application/json"


def _length_of(request: Any) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isdecimal() else 0
