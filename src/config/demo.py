"""The demo shop: our own goods with our own pictures, a few people, orders in every state, and what follows them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from accounts import selectors as account_reads
from accounts import services as accounts
from accounts.domain import AddressData, Role
from carts import services as carts
from carts.domain import Holder, Wish
from config.demo_after import load_after
from config.demo_rules import load_rules
from config.opening import open_shop
from config.sign_ins import SignIn, SignIns
from core import images, media, money, outbox
from core.images import CleanImage
from markets import selectors as market_reads
from orders import selectors as order_reads
from orders import services as orders
from orders.domain import OrderStatus
from orders.services import PlaceOrder
from products import selectors as product_reads
from products import services as products
from products.domain import NewProduct, NewVariant
from products.errors import CategorySlugTaken

if TYPE_CHECKING:
    from accounts.models import User

FOLDER = Path(__file__).parents[1] / "products" / "demo"
OTHER_CUSTOMER = "grace@example.com"
GUEST = "alan@example.com"
Progress = Callable[[int], object]

_LONDON = AddressData(
    name="Ada Lovelace", line1="12 St James's Square", city="London", postal_code="SW1Y 4JH", country="GB"
)
_YORK = AddressData(name="Grace Hopper", line1="3 Stonegate", city="York", postal_code="YO1 8AW", country="GB")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOrder:
    """An order of the demo: whose, how many of which of the goods (by their place), how old, and how far it came."""

    number: str
    buyer: str | None
    goods: Mapping[int, int]
    days_ago: int
    moves: Sequence[OrderStatus] = field(default_factory=tuple)


_THROUGH = (OrderStatus.PAID, OrderStatus.SHIPPED, OrderStatus.DELIVERED)


def demo_orders(*, customer: str) -> list[DemoOrder]:
    """Return the orders of the demo."""
    return [
        DemoOrder(number="demo-1", buyer=customer, goods={0: 2, 7: 1}, days_ago=21, moves=_THROUGH),
        DemoOrder(number="demo-2", buyer=OTHER_CUSTOMER, goods={3: 1}, days_ago=9, moves=(OrderStatus.CANCELLED,)),
        DemoOrder(number="demo-3", buyer=OTHER_CUSTOMER, goods={12: 1, 20: 2}, days_ago=4, moves=_THROUGH[:2]),
        DemoOrder(number="demo-4", buyer=customer, goods={5: 1}, days_ago=1, moves=_THROUGH[:1]),
        DemoOrder(number="demo-5", buyer=None, goods={30: 1, 31: 1}, days_ago=0),
        DemoOrder(number="demo-6", buyer=customer, goods={9: 3}, days_ago=0),
        DemoOrder(number="demo-7", buyer=OTHER_CUSTOMER, goods={11: 1, 70: 2}, days_ago=2, moves=_THROUGH[:1]),
        DemoOrder(number="demo-8", buyer=OTHER_CUSTOMER, goods={47: 1, 74: 3}, days_ago=12, moves=_THROUGH),
    ]


def load_demo(*, sign_ins: SignIns, at: datetime, progress: Progress = lambda _: None) -> None:
    """Fill the shop with the demo, as far as it is not there. Safe to repeat; a second time it changes nothing.

    Nobody gets mail of it. The pictures' thumbnails are made by a worker.

    :param progress: is told how many of ``steps()`` were done since it was last told
    """
    catalogue = read_catalogue()
    open_shop(at=at)
    with outbox.untold():
        admin = _staff(sign_ins.admin, at)
        people = {
            sign_ins.customer.email: _customer(sign_ins.customer, _LONDON, at),
            OTHER_CUSTOMER: _visitor(OTHER_CUSTOMER, _YORK, at),
        }
    progress(1)
    _load_categories(catalogue["categories"], at, progress)
    _load_products(catalogue["products"], at, progress)
    load_rules()
    skus = [product["variants"][0]["sku"] for product in catalogue["products"]]
    with outbox.untold():
        for order in demo_orders(customer=sign_ins.customer.email):
            _place(order, buyer=people.get(order.buyer or ""), admin=admin, skus=skus, now=at)
        progress(1)
        load_after(customer=people[sign_ins.customer.email], admin=admin, guest=GUEST, address=_YORK, at=at)
    progress(1)


def steps() -> int:
    """Return how many steps ``load_demo`` tells of."""
    catalogue = read_catalogue()
    return 3 + len(catalogue["categories"]) + len(catalogue["products"])


def read_catalogue() -> dict[str, Any]:
    """Return the demo's content as its file has it."""
    content: dict[str, Any] = orjson.loads((FOLDER / "catalogue.json").read_bytes())
    return content


def _staff(sign_in: SignIn, at: datetime) -> User:
    found = account_reads.find_user(email=sign_in.email)
    return found or accounts.create_staff(
        email=sign_in.email, password=sign_in.password, roles=[Role.ADMINISTRATOR.value], at=at
    )


def _customer(sign_in: SignIn, address: AddressData, at: datetime) -> User:
    found = account_reads.find_user(email=sign_in.email)
    if found is not None:
        return found
    user = accounts.register(email=sign_in.email, password=sign_in.password, at=at).user
    _name(user, address)
    accounts.add_address(user=user, data=address, is_default=True, at=at)
    return user


def _visitor(email: str, address: AddressData, at: datetime) -> User:
    found = account_reads.find_user(email=email)
    if found is not None:
        return found
    user = accounts.adopt_customers(emails=[email], at=at)[email]
    _name(user, address)
    accounts.add_address(user=user, data=address, is_default=True, at=at)
    return user


def _name(user: User, address: AddressData) -> None:
    first, _, last = address.name.partition(" ")
    accounts.update_profile(user=user, changes={"first_name": first, "last_name": last})


def _load_categories(categories: Iterable[Mapping[str, Any]], at: datetime, progress: Progress) -> None:
    for category in categories:
        told = {name: category[name] for name in ("name", "slug", "parent", "position")}
        try:
            products.create_category(at=at, **told)
        except CategorySlugTaken:
            progress(1)
            continue
        if category.get("image"):
            picture = media.store_images(_pictures([category["image"]]), folder="categories")[0]
            products.set_category_image(slug=category["slug"], image=picture, at=at)
        progress(1)


def _load_products(goods: Sequence[Mapping[str, Any]], at: datetime, progress: Progress) -> None:
    """Write the goods that are not there in one batch, and then their pictures, which are cleaned side by side."""
    there = product_reads.variants_by_sku(skus=[product["variants"][0]["sku"] for product in goods])
    new = [product for product in goods if product["variants"][0]["sku"] not in there]
    progress(len(goods) - len(new))
    products.create_many(products=[_new_product(product) for product in new], at=at, reference="demo")
    with ThreadPoolExecutor(max_workers=4) as pool:
        pictures = pool.map(lambda product: _pictures([image["file"] for image in product["images"]]), new)
        for product, clean in zip(new, pictures, strict=True):
            stored = media.store_images(clean, folder="products")
            alts = [image["alt"] for image in product["images"]]
            products.add_images(product=product["slug"], pictures=stored, alts=alts, at=at)
            progress(1)


def _new_product(product: Mapping[str, Any]) -> NewProduct:
    variants = [_new_variant(variant) for variant in product["variants"]]
    options = [
        {"name": name, "values": list(dict.fromkeys(variant.options[name] for variant in variants))}
        for name in product["options"]
    ]
    return NewProduct(
        name=product["name"],
        slug=product["slug"],
        category_id=product_reads.get_category(slug=product["category"]).pk,
        description=product["description"],
        tags=product["tags"],
        options=options,
        variants=variants,
    )


def _new_variant(variant: Mapping[str, Any]) -> NewVariant:
    before = variant["compare_at_price"]
    return NewVariant(
        sku=variant["sku"],
        price_minor=money.to_minor(Decimal(variant["price"]), "GBP"),
        compare_at_minor=money.to_minor(Decimal(before), "GBP") if before else None,
        currency="GBP",
        options=variant["options"],
        weight_grams=variant["weight_grams"],
        stock=variant["stock"],
        is_gift_card=variant.get("is_gift_card"),
    )


def _pictures(names: Iterable[str]) -> list[CleanImage]:
    clean = []
    for name in names:
        with (FOLDER / "images" / name).open("rb") as file:
            clean.append(images.clean_image(file))
    return clean


def _place(order: DemoOrder, *, buyer: User | None, admin: User, skus: Sequence[str], now: datetime) -> None:
    if order_reads.list_orders(viewer=admin).filter(external_number=order.number).exists():
        return
    placed_at = now - timedelta(days=order.days_ago)
    market = market_reads.get_market(code=None)
    holder = Holder(user_id=buyer.pk if buyer else None)
    token: str | None = None
    for place, quantity in order.goods.items():
        wish = Wish(sku=skus[place], quantity=quantity)
        token = carts.add_item(holder=holder, wish=wish, market=market, at=placed_at).token
        holder = Holder(user_id=holder.user_id, token=token)
    guest = {} if buyer else {"email": GUEST, "shipping_address": _YORK}
    placed = orders.place_order(
        customer=buyer,
        cart_token=token,
        wish=PlaceOrder(external_number=order.number, **guest),  # type: ignore[arg-type]
        placed_at=placed_at,
    )
    for step, to in enumerate(order.moves, start=1):
        moved_at = min(placed_at + timedelta(hours=8 * step), now)
        parcel = {"carrier": "Royal Mail", "tracking_number": "RM123456785GB"} if to is OrderStatus.SHIPPED else {}
        orders.move_order(order_id=placed.pk, to=to, actor=admin, at=moved_at, **parcel)
