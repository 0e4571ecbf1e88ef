"""Pages for people, included at the root: the links of mails, and the mailbox of development."""

from __future__ import annotations

from django.urls import path, re_path

from notifications import dev_mail
from notifications.api import pages

_NAME = "(?P<name>[A-Za-z0-9-]{1,64})"

urlpatterns = [
    re_path(r"^unsubscribe/(?P<token>[A-Za-z0-9:_.-]{1,200})/?$", pages.unsubscribe),
    path("dev/mail.json", dev_mail.mail_list),
    re_path(r"^dev/mail/?$", dev_mail.mail_list),
    re_path(rf"^dev/mail/{_NAME}\.json$", dev_mail.mail_detail),
    re_path(rf"^dev/mail/{_NAME}/html$", dev_mail.mail_html),
    re_path(rf"^dev/mail/{_NAME}/?$", dev_mail.mail_detail),
]
