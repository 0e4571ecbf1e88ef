from __future__ import annotations

import gzip
import io
import json
import zipfile
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image
from pytest_django import Settings

from accounts.domain import Role
from accounts.tests.factories import make_user
from core.models import OutboxEvent
from core.tests.factories import NOON
from products.models import Category, Price, Product, ProductDocument, ProductImage, Variant
from products.tests.factories import make_category, make_product, make_variant

NO_NUMBER = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
    '<c r="A1" t="n"><v>none</v></c></row></sheetData></worksheet>'
)
LIST = "/admin/products/product/"


@pytest.fixture
def browser(db: None) -> Client:
    return browser_of(Role.CATALOGUE_MANAGER)


def browser_of(role: Role) -> Client:
    browser = Client()
    browser.force_login(make_user(roles=[role]), backend="accounts.authentication.EmailBackend")
    return browser


def page_of(product: Product) -> str:
    return f"{LIST}{product.pk}/change/"


def filled(browser: Client, url: str, **changes: Any) -> dict[str, Any]:
    """Return what the page's form would send, with these changes; dots stand for the hyphens in names."""
    context = browser.get(url).context
    data: dict[str, Any] = {}
    forms = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    for form in forms:
        for name in form.fields:
            value = form[name].value()
            if value is not None and value is not False:
                data[form.add_prefix(name)] = value
    return {name: value for name, value in data.items() if value != ""} | changes


def shown(product: Product) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(ProductDocument.objects.get(product=product).document)
    return document


def png() -> SimpleUploadedFile:
    target = io.BytesIO()
    Image.new("RGB", (32, 24), "teal").save(target, "PNG")
    return SimpleUploadedFile("chair.png", target.getvalue())


class TestTheFormOfAProduct:
    def test_changes_product_variant_and_document_together(self, browser: Client) -> None:
        product = make_product("Chair", sku="CHAIR")
        data = filled(browser, page_of(product), name="Armchair", tag_list="oak, seat", **{"variants-0-price": "12.50"})

        response = browser.post(page_of(product), data)

        assert response.status_code == 302
        assert shown(product)["name"] == "Armchair"
        assert shown(product)["tags"] == ["oak", "seat"]
        assert shown(product)["price"]["amount"] == "12.50"

    def test_sends_back_unchanged_what_it_showed(self, browser: Client) -> None:
        product = make_product("Chair", attributes={"Weight": 5}, options=[])
        before = shown(product)

        response = browser.post(page_of(product), filled(browser, page_of(product)))

        assert response.status_code == 302
        product.refresh_from_db()
        assert product.attributes == {"Weight": 5}
        assert {**shown(product), "updated_at": ""} == {**before, "updated_at": ""}

    def test_adds_and_removes_variants_and_pictures(self, browser: Client) -> None:
        product = make_product("Chair", with_variant=False, options=[{"name": "Size", "values": ["S", "M", "L"]}])
        make_variant(product, sku="C-S", options={"Size": "S"})
        make_variant(product, sku="C-M", options={"Size": "M"})
        data = filled(browser, page_of(product)) | {
            "variants-TOTAL_FORMS": "3",
            "variants-0-DELETE": "on",
            "variants-2-sku": "C-L",
            "variants-2-option_values": "Size: L",
            "variants-2-price": "9.99",
            "images-TOTAL_FORMS": "1",
            "images-0-upload": png(),
            "images-0-alt": "A chair",
            "images-0-position": "0",
        }

        response = browser.post(page_of(product), data)

        assert response.status_code == 302
        assert set(Variant.objects.filter(product=product).values_list("sku", flat=True)) == {"C-M", "C-L"}
        assert shown(product)["images"][0]["alt"] == "A chair"

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("slug", "taken"),
            ("option_lines", "no colon"),
            ("variants-0-price", "-1"),
            ("variants-0-price", "0.001"),
            ("variants-0-price", "1e309"),
            ("variants-0-price", "NaN"),
            ("variants-0-sku", "taken"),
            ("variants-0-sku", "=cmd()"),
            ("variants-0-compare_at_price", "0.5"),
            ("name", ""),
            ("name", "x" * 1_000),
            ("name", "a\0b"),
            ("version", "stale"),
            ("category", "00000000-0000-7000-8000-000000000000"),
        ],
    )
    def test_shows_what_is_refused_and_changes_nothing(self, browser: Client, name: str, value: str) -> None:
        make_product("Other", slug="taken", sku="taken")
        product = make_product("Chair", sku="CHAIR")
        before = shown(product)
        data = filled(browser, page_of(product), brand="New brand", **{name: value})

        response = browser.post(page_of(product), data)

        assert response.status_code == 200
        assert response.context["errors"]
        assert shown(product) == before

    def test_refuses_what_is_no_picture_whole(self, browser: Client) -> None:
        product = make_product("Chair")
        data = filled(browser, page_of(product), name="Armchair") | {
            "images-TOTAL_FORMS": "1",
            "images-0-upload": SimpleUploadedFile("chair.png", b"<svg onload=alert(1)>"),
            "images-0-position": "0",
        }

        response = browser.post(page_of(product), data)

        assert response.status_code == 200
        product.refresh_from_db()
        assert product.name == "Chair"
        assert not ProductImage.objects.exists()

    def test_takes_no_other_file_for_a_picture_that_is_there(self, browser: Client) -> None:
        product = make_product("Chair")
        ProductImage.objects.create(product=product, file="products/none.png", alt="Old", width=1, height=1)

        page = browser.get(page_of(product)).content.decode()
        response = browser.post(page_of(product), filled(browser, page_of(product)) | {"images-0-upload": png()})

        assert 'name="images-0-upload"' not in page
        assert response.status_code == 302
        assert ProductImage.objects.get().file.name == "products/none.png"

    def test_creates_through_the_service(self, browser: Client) -> None:
        make_product("Other")
        data = filled(browser, f"{LIST}add/") | {
            "name": "Stool",
            "category": str(make_category().pk),
            "is_active": "on",
            "variants-TOTAL_FORMS": "1",
            "variants-0-price": "5",
            "variants-0-stock": "0",
        }

        response = browser.post(f"{LIST}add/", data)

        product = Product.objects.get(name="Stool")
        assert response.status_code == 302
        assert shown(product)["price"]["amount"] == "5.00"
        assert OutboxEvent.objects.filter(name="products.product_created").count() == 1

    def test_costs_the_same_for_one_variant_and_for_many(
        self, browser: Client, django_assert_max_num_queries: Any
    ) -> None:
        product = make_product("Chair", with_variant=False)
        for number in range(20):
            make_variant(product, options={"n": str(number)})

        with django_assert_max_num_queries(25):
            browser.get(page_of(product))


class TestActions:
    def test_delete_and_restore(self, browser: Client) -> None:
        product = make_product("Chair")

        browser.post(f"{LIST}{product.pk}/remove/", {"_confirmed": "yes"})
        gone = not ProductDocument.objects.filter(product=product).exists()
        browser.post(f"{LIST}{product.pk}/restore/", {"_confirmed": "yes"})

        assert gone
        assert ProductDocument.objects.filter(product=product).exists()

    def test_ask_before_they_act(self, browser: Client) -> None:
        product = make_product("Chair")

        for act in ("remove", "set_price"):
            assert browser.get(f"{LIST}{product.pk}/{act}/").status_code == 200

        assert ProductDocument.objects.filter(product=product).exists()

    def test_hide_and_show_many(self, browser: Client) -> None:
        rows = [make_product(f"Chair {n}") for n in range(3)]
        chosen = {"_selected_action": [str(row.pk) for row in rows[:2]], "_confirmed": "yes"}

        browser.post(LIST, chosen | {"action": "deactivate"})
        hidden = ProductDocument.objects.count()
        browser.post(LIST, chosen | {"action": "activate"})

        assert hidden == 1
        assert ProductDocument.objects.count() == 3

    def test_change_prices_by_per_cent(self, browser: Client) -> None:
        product = make_product("Chair", price_minor=1000)
        chosen = {"_selected_action": str(product.pk), "action": "change_prices", "_confirmed": "yes"}

        asked = browser.post(LIST, {**chosen, "_confirmed": ""} | {"percent": "nonsense"})
        browser.post(LIST, chosen | {"percent": "-10"})

        assert asked.status_code == 200
        assert shown(product)["price"]["amount"] == "9.00"

    def test_set_a_price_in_another_currency(self, browser: Client) -> None:
        product = make_product("Chair", sku="CHAIR")
        url = f"{LIST}{product.pk}/set_price/"

        refused = browser.post(url, {"_confirmed": "yes", "sku": "CHAIR", "currency": "XXZ", "price": "1"})
        browser.post(url, {"_confirmed": "yes", "sku": "CHAIR", "currency": "jpy", "price": "700"})

        assert refused.status_code == 200
        assert Price.objects.get(currency="JPY").amount_minor == 700

    @pytest.mark.parametrize("act", ["remove", "restore", "set_price"])
    def test_are_for_those_who_hold_the_permission(self, act: str, db: None) -> None:
        product = make_product("Chair")

        response = browser_of(Role.CUSTOMER_SUPPORT).post(f"{LIST}{product.pk}/{act}/", {"_confirmed": "yes"})

        assert response.status_code == 403
        assert ProductDocument.objects.filter(product=product).exists()


class TestCategories:
    def test_move_with_all_below_them(self, browser: Client) -> None:
        top, other = make_category("Top", slug="top"), make_category("Other", slug="other")
        leaf = make_category("Leaf", slug="leaf", parent=top)
        product = make_product("Chair", category=leaf)
        url = f"/admin/products/category/{top.pk}/change/"

        response = browser.post(url, filled(browser, url, parent=str(other.pk)))

        leaf.refresh_from_db()
        assert response.status_code == 302
        assert leaf.path == "other/top/leaf"
        assert shown(product)["category"]["path"] == "other/top/leaf"

    def test_stand_below_their_parents_in_the_order_of_their_positions(self, browser: Client) -> None:
        late, early = make_category("A", slug="a", position=2), make_category("B", slug="b", position=1)
        make_category("A2", slug="a2", parent=late, position=10)
        make_category("A1", slug="a1", parent=late, position=9)
        make_category("B1", slug="b1", parent=early)

        rows = browser.get("/admin/products/category/").context["cl"].result_list

        assert [row.slug for row in rows] == ["b", "b1", "a", "a1", "a2"]

    def test_refuse_to_stand_below_themselves(self, browser: Client) -> None:
        top = make_category("Top", slug="top")
        leaf = make_category("Leaf", slug="leaf", parent=top)
        url = f"/admin/products/category/{top.pk}/change/"

        response = browser.post(url, filled(browser, url, parent=str(leaf.pk)))

        assert response.status_code == 200
        assert "below itself" in response.content.decode()
        assert Category.objects.get(pk=top.pk).parent is None

    def test_are_added_and_removed_through_the_service(self, browser: Client) -> None:
        top = make_category("Top", slug="top")
        url = "/admin/products/category/add/"

        browser.post(
            url, filled(browser, url) | {"name": "New", "parent": str(top.pk), "position": "3", "upload": png()}
        )
        made = Category.objects.get(name="New")
        refused = browser.post(f"/admin/products/category/{top.pk}/remove/", {"_confirmed": "yes"})
        browser.post(f"/admin/products/category/{made.pk}/remove/", {"_confirmed": "yes"})

        assert made.path == "top/new"
        assert made.image
        assert refused.status_code == 200
        assert list(Category.objects.values_list("slug", flat=True)) == ["top"]


class TestImport:
    HEADER = "sku,name,category,price,stock\n"

    def send(self, browser: Client, text: str, name: str = "goods.csv") -> Any:
        return browser.post(f"{LIST}import/", {"file": SimpleUploadedFile(name, text.encode())})

    def test_shows_the_rows_first_and_writes_on_confirmation(self, browser: Client) -> None:
        make_product("Other")
        shown_first = self.send(
            browser, self.HEADER + "A-1,Stool,Seats > Stools,5.00,3\nB-1,,Seats,1,1\nC-1,Sofa,Seats,9,1\n"
        )
        nothing_yet = Product.objects.count()

        done = browser.post(f"{LIST}import/", {"token": shown_first.context["token"]})

        assert nothing_yet == 1
        assert (shown_first.context["preview"].good, shown_first.context["preview"].bad) == (2, 1)
        assert "Line 3" in shown_first.content.decode()
        assert done.context["outcome"].created == 2
        assert [row["line"] for row in done.context["refused"]] == ["3"]
        assert ProductDocument.objects.filter(name="Stool").exists()

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("goods.csv", "wrong,header\n1,2\n"),
            ("goods.csv", ""),
            ("goods.exe", "sku,name,price\n"),
            ("goods.xlsx", "not a workbook"),
            ("../../etc/passwd.csv", "x"),
            ("goods.json", "{"),
            ("goods.csv", "x" * 200_000),
        ],
    )
    def test_says_what_is_wrong_with_a_file(self, browser: Client, name: str, text: str) -> None:
        response = self.send(browser, text, name)

        assert response.status_code == 200
        assert "token" not in response.context
        assert not Product.objects.exists()

    @pytest.mark.parametrize(
        ("member", "content"),
        [
            ("xl/workbook.xml", "none"),
            ("xl/styles.xml", "<"),
            ("xl/worksheets/sheet1.xml", "<a"),
            ("xl/worksheets/sheet1.xml", NO_NUMBER),
            (
                "xl/workbook.xml",
                '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><workbook>&x;</workbook>',
            ),
        ],
    )
    def test_refuses_a_sheet_that_is_none_inside(self, browser: Client, member: str, content: str) -> None:
        whole, broken, book = io.BytesIO(), io.BytesIO(), openpyxl.Workbook()
        book.save(whole)
        with zipfile.ZipFile(whole) as taken, zipfile.ZipFile(broken, "w") as made:
            for name in taken.namelist():
                made.writestr(name, content if name == member else taken.read(name))

        response = browser.post(f"{LIST}import/", {"file": SimpleUploadedFile("goods.xlsx", broken.getvalue())})

        assert response.status_code == 200
        assert "token" not in response.context
        assert "The sheet cannot be read" in response.content.decode()
        assert "root:" not in response.content.decode()

    @pytest.mark.parametrize("name", ["goods.csv.gz", "goods.xlsx", "goods.xlsx.gz"])
    def test_s32_refuses_what_would_be_too_large_unpacked(self, browser: Client, settings: Settings, name: str) -> None:
        settings.IMPORT_MAX_UNPACKED_BYTES = 1024 * 1024
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/worksheets/sheet1.xml", b" " * 2 * 1024 * 1024)
        bomb = packed.getvalue() if "xlsx" in name else b" " * 2 * 1024 * 1024
        bomb = gzip.compress(bomb) if name.endswith(".gz") else bomb

        response = browser.post(f"{LIST}import/", {"file": SimpleUploadedFile(name, bomb)})

        assert "token" not in response.context
        assert "The request is too large." in response.content.decode()

    def test_s32_refuses_json_of_a_depth_that_would_fill_the_memory(self, browser: Client) -> None:
        response = self.send(browser, "[" * 40 + "]" * 40, "goods.json")

        assert "token" not in response.context
        assert "more than 32 levels deep" in response.content.decode()

    def test_of_anothers_file_is_refused(self, browser: Client) -> None:
        make_product("Other")
        token = self.send(browser, self.HEADER + "A-1,Stool,Seats,5,3\n").context["token"]

        response = browser_of(Role.ADMINISTRATOR).post(f"{LIST}import/", {"token": token})

        assert "not kept" in response.content.decode()
        assert Product.objects.count() == 1

    def test_is_for_those_who_may_write(self, db: None) -> None:
        assert browser_of(Role.CUSTOMER_SUPPORT).get(f"{LIST}import/").status_code == 403


FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\tx", "\rx", " =1+1"]


class TestExport:
    def test_s25_neutralises_cells_that_a_spreadsheet_would_run(self, browser: Client) -> None:
        for number, formula in enumerate(FORMULAS):
            make_product(formula, slug=f"p{number}", sku=f"S{number}", brand=formula, description=formula)

        text = export(browser, "0").content.decode()
        book = openpyxl.load_workbook(io.BytesIO(export(browser, "1").content))

        cells = [str(cell.value) for row in book.active.iter_rows() for cell in row if cell.value is not None]
        assert len(cells) > 30
        assert not [cell for cell in cells if cell.lstrip(" ")[:1] in set("=+-@\t\r")]
        assert not [
            cell for cell in text.replace("\r\n", ",").split(",") if cell.strip('" ')[:1] in set("=+-@\t\r") and cell
        ]

    def test_is_a_file_that_the_import_takes(self, browser: Client) -> None:
        make_product("Chair", sku="CHAIR", price_minor=1250, category=make_category("Seats", slug="seats"))
        file = export(browser, "0").content

        seen = browser.post(f"{LIST}import/", {"file": SimpleUploadedFile("out.csv", file)})

        assert seen.context["preview"].good == 1
        assert seen.context["rows"][0]["price"] == "12.50"

    def test_s25_comes_back_through_the_import_as_it_was(self, browser: Client) -> None:
        make_product("-10 degrees flask", sku="FLASK", brand="@home", category=make_category("Flasks", slug="flasks"))
        file = export(browser, "0").content

        seen = browser.post(f"{LIST}import/", {"file": SimpleUploadedFile("out.csv", file)})

        assert b"'-10 degrees flask" in file
        assert seen.context["rows"][0]["name"] == "-10 degrees flask"

    def test_costs_the_same_for_many_rows(self, browser: Client, django_assert_max_num_queries: Any) -> None:
        for number in range(15):
            make_product(f"Chair {number}")

        with django_assert_max_num_queries(25):
            export(browser, "0")

    def test_is_for_those_who_may_see(self, db: None) -> None:
        client = Client()
        client.force_login(
            make_user(permissions=["markets.view_market"]), backend="accounts.authentication.EmailBackend"
        )

        assert client.get(f"{LIST}export/").status_code == 403


def export(browser: Client, kind: str) -> Any:
    form = browser.get(f"{LIST}export/").context["form"]
    data = {name: "on" for name, field in form.fields.items() if getattr(field, "is_selectable_field", False)}
    response = browser.post(f"{LIST}export/", data | {"format": kind, "resource": "0"})
    assert "attachment" in response.headers.get("Content-Disposition", ""), response.content[:2000]
    return response


class TestList:
    def test_counts_variants_for_the_rows_of_its_page_alone(self, browser: Client) -> None:
        make_product()
        with CaptureQueriesContext(connection) as queries:
            browser.get(LIST)

        told = [query["sql"] for query in queries if '"living_variants"' in query["sql"]]
        assert told
        assert not any('JOIN "products_variant"' in sql for sql in told)

    def test_finds_a_whole_sku_before_words(self, browser: Client) -> None:
        found = make_variant(make_product("Lamp"), sku="AB-12").product
        make_variant(make_product("Chair AB-12"), sku="AB-123")

        rows = browser.get(f"{LIST}?q=ab-12").context["cl"].result_list

        assert [row.pk for row in rows] == [found.pk]
        assert len(browser.get(f"{LIST}?q=AB-1").context["cl"].result_list) == 2

    def test_finds_who_had_a_sku_before_where_the_deleted_are_listed(self, browser: Client) -> None:
        first = make_variant(make_product("Lamp"), sku="AB-12").product
        Variant.objects.filter(product=first).update(deleted_at=NOON)
        Product.objects.filter(pk=first.pk).update(deleted_at=NOON)
        second = make_variant(make_product("Chair"), sku="AB-12").product

        listed = [
            [row.pk for row in browser.get(f"{LIST}?q=AB-12{chosen}").context["cl"].result_list]
            for chosen in ("", "&deleted=yes")
        ]

        assert listed == [[second.pk], [first.pk]]
