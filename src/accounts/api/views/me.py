"""``me``: what belongs to whoever asks; and the profiles that others show."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors, services
from accounts.api import examples
from accounts.api.client import address_of
from accounts.api.serializers import (
    AvatarInput,
    BookAddressInput,
    BookAddressOutput,
    BookPageOutput,
    PasswordInput,
    ProfileInput,
    ProfileOutput,
    PublicProfileOutput,
    SessionPageOutput,
    UserOutput,
    address_data,
    book_address_document,
    profile_document,
    public_profile_document,
    session_document,
    user_document,
)
from accounts.api.viewer import customer_of, session_of
from accounts.api.views.sessions import LEFT
from core.api.pages import PageQuery, list_response, page_of
from core.api.uploads import UploadView
from core.api.views import ApiView
from core.images import CleanImage, make_thumbnails

_AVATAR_PIXELS = 512


class MeView(ApiView):
    """One's own account."""

    is_counted = True
    signed_in = True
    # Tries at the password are counted in a transaction of their own.
    idempotent = False

    @extend_schema(
        operation_id="read_me",
        summary="Your account",
        responses={200: UserOutput},
        examples=[examples.told(examples.USER)],
    )
    def get(self, request: Request) -> Response:
        return Response(user_document(selectors.get_user(user_id=customer_of(request).pk)))

    @extend_schema(
        operation_id="delete_me",
        summary="Delete your account; orders stay, without your name",
        description='Takes a body, as PATCH does: `{"password": "…"}`, your current password.',
        request=PasswordInput,
        responses={204: None},
        examples=[examples.asked({"password": "correct horse battery"})],
    )
    def delete(self, request: Request) -> Response:
        body = PasswordInput(data=request.data)
        body.is_valid(raise_exception=True)
        services.delete_account(
            user=customer_of(request), **body.validated_data, address=address_of(request), at=timezone.now()
        )
        return Response(status=204)


class ProfileView(ApiView):
    """One's own profile."""

    signed_in = True

    @extend_schema(
        operation_id="read_profile",
        summary="Your profile",
        responses={200: ProfileOutput},
        examples=[examples.told(examples.PROFILE)],
    )
    def get(self, request: Request) -> Response:
        return Response(profile_document(selectors.get_profile(user=customer_of(request))))

    @extend_schema(
        operation_id="update_profile",
        summary="Change your profile",
        request=ProfileInput,
        responses={200: ProfileOutput},
        examples=[
            examples.asked({"first_name": "Ada", "phone": "+442079460958", "visibility": "public"}),
            examples.told(examples.PROFILE),
        ],
    )
    def patch(self, request: Request) -> Response:
        body = ProfileInput(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(
            profile_document(services.update_profile(user=customer_of(request), changes=body.validated_data))
        )


class AvatarView(UploadView):
    """One's own avatar: kept within 512 pixels, as WebP."""

    signed_in = True
    upload_input = AvatarInput
    file_field = "avatar"
    folder = "avatars"

    @extend_schema(
        operation_id="set_avatar",
        summary="Set your avatar",
        request={"multipart/form-data": AvatarInput},
        responses={200: ProfileOutput},
        examples=[
            OpenApiExample(
                "A picture", value={"avatar": "ada.jpg"}, request_only=True, media_type="multipart/form-data"
            ),
            examples.told(examples.PROFILE),
        ],
    )
    def put(self, request: Request) -> Response:
        profile = services.set_avatar(user=customer_of(request), stored_name=self.stored[0].name)
        return Response(profile_document(profile))

    @extend_schema(operation_id="remove_avatar", summary="Remove your avatar", responses={204: None})
    def delete(self, request: Request) -> Response:
        services.set_avatar(user=customer_of(request), stored_name="")
        return Response(status=204)

    def _clean(self, at: int, file: Any) -> CleanImage:
        picture = super()._clean(at, file)
        return make_thumbnails(picture.content, widths=[_AVATAR_PIXELS])[_AVATAR_PIXELS]


class PublicProfileView(ApiView):
    """What another customer shows."""

    signed_in = True

    @extend_schema(
        operation_id="read_public_profile",
        summary="The public profile of a customer",
        responses={200: PublicProfileOutput},
        examples=[
            examples.told(
                {
                    "user_id": examples.USER["id"],
                    "display_name": examples.PROFILE["display_name"],
                    "avatar": examples.PROFILE["avatar"],
                }
            )
        ],
    )
    def get(self, request: Request, user_id: UUID) -> Response:
        return Response(
            public_profile_document(selectors.get_public_profile(user_id=user_id, viewer=customer_of(request)))
        )


class AddressesView(ApiView):
    """One's own address book."""

    signed_in = True

    @extend_schema(
        operation_id="list_addresses",
        summary="Your addresses, the newest first",
        parameters=[PageQuery],
        responses={200: BookPageOutput},
        examples=[examples.told(examples.page(examples.BOOK_ADDRESS))],
    )
    def get(self, request: Request) -> Response:
        page = page_of(PageQuery.read(request.GET))
        rows = selectors.list_addresses(user=customer_of(request))
        return list_response(request, rows, page=page, order=("-created_at", "-pk"), show=book_address_document)

    @extend_schema(
        operation_id="add_address",
        summary="Add an address; the first is the default",
        request=BookAddressInput,
        responses={201: BookAddressOutput},
        examples=[examples.asked(examples.ADDRESS), examples.told(examples.BOOK_ADDRESS, 201)],
    )
    def post(self, request: Request) -> Response:
        body = BookAddressInput(data=request.data)
        body.is_valid(raise_exception=True)
        address = services.add_address(
            user=customer_of(request),
            data=address_data(body.validated_data),
            is_default=body.validated_data["is_default"],
            at=timezone.now(),
        )
        return Response(
            book_address_document(address), status=201, headers={"Location": f"{request.path}/{address.pk}"}
        )


class AddressView(ApiView):
    """One address of one's own book."""

    signed_in = True

    @extend_schema(
        operation_id="read_address",
        summary="One of your addresses",
        responses={200: BookAddressOutput},
        examples=[examples.told(examples.BOOK_ADDRESS)],
    )
    def get(self, request: Request, address_id: UUID) -> Response:
        return Response(book_address_document(selectors.get_address(user=customer_of(request), address_id=address_id)))

    @extend_schema(
        operation_id="update_address",
        summary="Change an address, or make it the default",
        request=BookAddressInput,
        responses={200: BookAddressOutput},
        examples=[examples.asked({"is_default": True}), examples.told(examples.BOOK_ADDRESS)],
    )
    def patch(self, request: Request, address_id: UUID) -> Response:
        body = BookAddressInput(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        address = services.update_address(
            user=customer_of(request), address_id=address_id, changes=dict(body.validated_data)
        )
        return Response(book_address_document(address))

    @extend_schema(operation_id="delete_address", summary="Delete an address", responses={204: None})
    def delete(self, request: Request, address_id: UUID) -> Response:
        services.delete_address(user=customer_of(request), address_id=address_id)
        return Response(status=204)


class SessionsView(ApiView):
    """One's own sign-ins."""

    signed_in = True

    @extend_schema(
        operation_id="list_sessions",
        summary="Your sign-ins, the one used last first",
        description="A sign-in is used when it begins and at each refresh. What ended or expired is not listed.",
        parameters=[PageQuery],
        responses={200: SessionPageOutput},
        examples=[examples.told(examples.page(examples.SESSION))],
    )
    def get(self, request: Request) -> Response:
        page = page_of(PageQuery.read(request.GET))
        rows = selectors.list_sessions(user=customer_of(request), at=timezone.now())
        show = partial(session_document, current_id=session_of(request))
        return list_response(request, rows, page=page, order=("-expires_at", "-pk"), show=show)


class SessionView(ApiView):
    """One of one's own sign-ins."""

    is_counted = True
    signed_in = True
    # Tries at the password are counted in a transaction of their own.
    idempotent = False

    @extend_schema(
        operation_id="end_session",
        summary="End one of your sign-ins, with its access tokens",
        description=(
            'Takes a body, as PATCH does: `{"password": "…"}`, your current password. The one that asks may end, too: '
            "that signs out here."
        ),
        request=PasswordInput,
        responses={204: None},
        examples=[examples.asked({"password": "correct horse battery"})],
    )
    def delete(self, request: Request, session_id: UUID) -> Response:
        body = PasswordInput(data=request.data)
        body.is_valid(raise_exception=True)
        services.end_session(
            user=customer_of(request),
            session_id=session_id,
            **body.validated_data,
            address=address_of(request),
            at=timezone.now(),
        )
        return Response(status=204, headers=LEFT if session_id == session_of(request) else None)
