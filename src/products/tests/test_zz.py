import pytest, json, time, random
from products.tests.factories import *
from products.domain import *
from products import services
from products.models import *
from inventory.tests.factories import make_place
from django.test import Client
from django.utils import timezone
from django.db import connection
pytestmark = pytest.mark.django_db(transaction=True)
W = "oak ash pine lamp chair table wood steel warm light soft heavy round tall small large blue red green yellow modern classic hand made solid".split()
def test_bulk(settings):
    make_market(); make_place(); settings.EVENT_INLINE_SUBSCRIPTIONS = {}
    cats=[make_category(f"c{n}") for n in range(50)]
    R=random.Random(1)
    ps=[NewProduct(name=" ".join(R.choices(W,k=4)), category_id=R.choice(cats).pk, description=" ".join(R.choices(W,k=40)), tags=R.sample(W,3), brand="B",
        images=[NewImage(source_url=f"https://x/{n}.jpg")], variants=[NewVariant(sku=f"S-{n}",price_minor=R.randrange(100,100000),currency="GBP",stock=R.randrange(10))]) for n in range(3000)]
    import cProfile, pstats
    def cpu():
        with connection.cursor() as k:
            k.execute("select pg_backend_pid()"); pid=k.fetchone()[0]
        a=open(f"/proc/{pid}/stat").read().rsplit(")",1)[1].split(); return (int(a[11])+int(a[12]))/100
    p0=cpu()
    t=time.time(); c=time.process_time()
    prof=cProfile.Profile()
    for i in range(0,3000,1000):
        pass
        w=services.create_many(products=ps[i:i+1000], at=timezone.now())
    prof.disable()
    print(w, 10000/(time.time()-t), "per s; cpu", time.process_time()-c, "pg", cpu()-p0)
    #pstats.Stats(prof).sort_stats("cumtime").print_stats(28)
    t=time.time()
    print(services.create_many(products=ps[:1000], at=timezone.now()), 1000/(time.time()-t))
    with connection.cursor() as k: k.execute("VACUUM ANALYZE")
    from products.selectors import listing as L
    for score in (L._SCORE, L._SCORE.replace("ts_rank_cd","ts_rank")):
        L.SORTS["relevance"] = (score, "float8", "DESC"); L._statement.cache_clear()
        sql = L._statement(("search",), "relevance", True, False)
        vals = {"search":"oak chair","head":"oak","prefix":"chair","size":20,"offset":0}
        with connection.cursor() as k:
            k.execute("EXPLAIN (ANALYZE, TIMING OFF) " + sql, vals)
            print("\n".join(r[0][:150] for r in k.fetchall()))
