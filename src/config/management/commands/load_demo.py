from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone
from tqdm import tqdm

from config.demo import load_demo, steps
from config.sign_ins import draft_sign_ins, publish_sign_ins


class Command(BaseCommand):
    help = "Fill the shop with sample goods, people and orders; sign-ins stand in the data folder. Safe to repeat."

    def handle(self, **_: Any) -> None:
        sign_ins = draft_sign_ins(settings.DATA)
        with tqdm(total=steps(), desc="demo shop", unit=" things") as bar:
            load_demo(sign_ins=sign_ins, at=timezone.now(), progress=bar.update)
        publish_sign_ins(settings.DATA)
        self.stdout.write(f"The demo shop is there; its sign-ins stand in {settings.DATA / 'sign-ins.json'}.")
