#!/usr/bin/env bash
# The journey from registering to goods that came back, by HTTP alone, against a running shop (make run).
#   BASE=http://127.0.0.1:8000 NEXUS_DATA=.data scripts/test_api.sh
# Staff's part is done by the administrator of the data folder's sign-ins.json, or ADMIN_EMAIL and ADMIN_PASSWORD. Mails are read
# in the shop's own folder, or at the Mailpit that MAILPIT names.
set -euo pipefail

BASE=${BASE:-http://127.0.0.1:${PORT:-8000}}
API=$BASE/api/v1
RUN=$(date +%s)$$
EMAIL=journey-$RUN@example.com
PASSWORD="tall-ships-sail-slowly"
STEP=0

say() { STEP=$((STEP + 1)); printf '%2d  %s\n' "$STEP" "$1"; }
fail() { printf 'FAILED: %s\n' "$1" >&2; exit 1; }
field() { python3 -c 'import json,sys
value = json.load(sys.stdin)
for key in sys.argv[1].split("."):
    value = value[int(key)] if isinstance(value, list) else value[key]
print(json.dumps(value) if isinstance(value, (dict, list, bool)) or value is None else value)' "$1"; }

# call METHOD PATH [BODY] [HEADER...]: the body in $BODY, the status in $STATUS, the headers in $HEADERS
call() {
  local method=$1 path=$2 body=${3:-} arguments=() answer
  shift $(($# < 3 ? $# : 3))
  for header in "$@"; do arguments+=(-H "$header"); done
  [ -n "$body" ] && arguments+=(-H 'Content-Type: application/json' --data "$body")
  HEADERS=$(mktemp)
  answer=$(curl -sS -m 30 -X "$method" -D "$HEADERS" -w '\n%{http_code}' "${arguments[@]}" "$path")
  STATUS=${answer##*$'\n'}
  BODY=${answer%$'\n'*}
  HEADERS=$(tr -d '\r' <"$HEADERS"; rm -f "$HEADERS")
}
expect() { [ "$STATUS" = "$1" ] || fail "expected $1, got $STATUS: $BODY"; }
equal() { [ "$1" = "$2" ] || fail "$3: expected $2, got $1"; }
# poll N COMMAND: until it succeeds, at most about N seconds (mail and notifications are sent by workers)
poll() {
  local tries=$(($1 * 5))
  shift
  until "$@"; do tries=$((tries - 1)); [ "$tries" -gt 0 ] || return 1; sleep 0.2; done
}
# The customer's mails in $BODY
mails() {
  [ -n "${MAILPIT:-}" ] || { call GET "$BASE/dev/mail.json?to=$EMAIL"; return; }
  call GET "$MAILPIT/api/v1/search?query=to:$EMAIL"
  BODY=$(python3 -c 'import json, sys, urllib.request
mails = [json.load(urllib.request.urlopen(sys.argv[1] + "/api/v1/message/" + found["ID"]))
         for found in json.load(sys.stdin)["messages"]]
print(json.dumps({"results": [{"text": mail["Text"], "subject": mail["Subject"]} for mail in mails]}))' "$MAILPIT" <<<"$BODY")
}

say "the shop is ready"
call GET "$BASE/readyz"; expect 200

say "register $EMAIL"
call POST "$API/auth/register" "{\"email\": \"$EMAIL\", \"password\": \"$PASSWORD\"}"; expect 201
ACCESS=$(field access <<<"$BODY")
AUTH="Authorization: Bearer $ACCESS"

say "verify the address with the link from the mail"
mail_has_token() {
  mails
  TOKEN=$(python3 -c 'import json,re,sys
for mail in json.load(sys.stdin)["results"]:
    found = re.search(r"verify-email[^\s\"]*?token=([A-Za-z0-9_.:-]+)", mail["text"])
    if found:
        print(found[1]); break' <<<"$BODY")
  [ -n "$TOKEN" ]
}
poll 30 mail_has_token || fail "no verification mail came"
call POST "$API/auth/verify-email" "{\"token\": \"$TOKEN\"}"; [ "${STATUS:0:1}" = 2 ] || fail "verify: $STATUS $BODY"

say "browse: a category, a price range, cheapest first"
call GET "$API/categories"; expect 200
CATEGORY=$(field results.0.slug <<<"$BODY")
call GET "$API/products?category=$CATEGORY&min_price=1&max_price=500&in_stock=true&sort=price&size=5"; expect 200
PRODUCT=$(field results.0.id <<<"$BODY")
NAME=$(field results.0.name <<<"$BODY")

say "search for it by name"
WORD=$(python3 -c 'import sys,urllib.parse; print(urllib.parse.quote(sys.argv[1].split()[0]))' "$NAME")
call GET "$API/products?search=$WORD"; expect 200
[ "$(field count <<<"$BODY")" -ge 1 ] || fail "search finds nothing"

say "show one: $NAME"
call GET "$API/products/$PRODUCT"; expect 200
VARIANT=$(python3 -c 'import json,sys
stock = json.load(sys.stdin)["stock"]["variants"]
print(max(stock, key=stock.get))' <<<"$BODY")
units() { call GET "$API/products/$PRODUCT"; python3 -c 'import json,sys
print(json.load(sys.stdin)["stock"]["variants"][sys.argv[1]])' "$VARIANT" <<<"$BODY"; }
BEFORE=$(units)

say "fill a guest's cart"
call POST "$API/cart/items" "{\"variant\": \"$VARIANT\", \"quantity\": 1}"; expect 201
CART=$(field token <<<"$BODY")
TOTAL=$(field total <<<"$BODY")

say "sign in and bring the cart along"
call POST "$API/auth/login" "{\"email\": \"$EMAIL\", \"password\": \"$PASSWORD\"}" "X-Cart-Token: $CART"; expect 200
AUTH="Authorization: Bearer $(field access <<<"$BODY")"
call GET "$API/cart" "" "$AUTH"; expect 200
equal "$(field items.0.variant <<<"$BODY")" "$VARIANT" "the merged cart"

say "order, and send the same request again"
ORDER='{"shipping_address": {"name": "Ada Lovelace", "line1": "12 St James'"'"'s Square", "city": "London", "postal_code": "SW1Y 4JH", "country": "GB"}, "expected_total": '$TOTAL'}'
call POST "$API/orders" "$ORDER" "$AUTH" "Idempotency-Key: journey-$RUN"; expect 201
FIRST=$BODY
ID=$(field id <<<"$BODY")
call POST "$API/orders" "$ORDER" "$AUTH" "Idempotency-Key: journey-$RUN"; expect 201
equal "$BODY" "$FIRST" "the replayed answer"
grep -qi '^idempotent-replayed: true' <<<"$HEADERS" || fail "the second answer was no replay"
call GET "$API/orders" "" "$AUTH"; expect 200
equal "$(field count <<<"$BODY")" 1 "orders"

say "stock is down by one"
equal "$(units)" "$((BEFORE - 1))" "units"

say "the notification and the mail are there"
notified() { call GET "$API/notifications?unread=true" "" "$AUTH"; grep -q "$ID" <<<"$BODY"; }
poll 30 notified || fail "no notification came"
NUMBER=$(field number <<<"$FIRST")
mailed() { mails; grep -q "$NUMBER" <<<"$BODY"; }
poll 30 mailed || fail "no mail came"

say "cancel it, and the stock is back"
call POST "$API/orders/$ID/cancel" '{"reason": "only a journey"}' "$AUTH"; expect 200
equal "$(field status <<<"$BODY")" cancelled "status"
equal "$(units)" "$BEFORE" "units"

say "strangers see none of it"
call GET "$API/orders/$ID"; expect 404

say "order three, and pay with a card of the sandbox"
call POST "$API/cart/items" "{\"variant\": \"$VARIANT\", \"quantity\": 3}" "$AUTH"; expect 201
call POST "$API/orders" "${ORDER/\"expected_total\": $TOTAL/\"note\": \"Ring twice\"}" "$AUTH"; expect 201
ID=$(field id <<<"$BODY")
LINE=$(field items.0.id <<<"$BODY")
call POST "$API/payments" "{\"order\": \"$ID\", \"provider\": \"sandbox\", \"card\": \"declined\"}" "$AUTH"; expect 201
equal "$(field status <<<"$BODY")" failed "a declined payment"
call POST "$API/payments" "{\"order\": \"$ID\", \"provider\": \"sandbox\", \"card\": \"success\"}" "$AUTH"; expect 201
PAYMENT=$(field id <<<"$BODY")
equal "$(field status <<<"$BODY")" captured "payment"
order() { call GET "$API/orders/$ID" "" "$AUTH"; field "$1" <<<"$BODY"; }
equal "$(order status)" paid "status"

say "staff sign in, and send two of the three"
SIGN_INS=${NEXUS_DATA:-.data}/sign-ins.json
if [ -z "${ADMIN_EMAIL:-}" ]; then
  ADMIN_EMAIL=$(field admin.email <"$SIGN_INS")
  ADMIN_PASSWORD=$(field admin.password <"$SIGN_INS")
fi
call POST "$API/auth/login" "{\"email\": \"$ADMIN_EMAIL\", \"password\": \"$ADMIN_PASSWORD\"}"; expect 200
STAFF="Authorization: Bearer $(field access <<<"$BODY")"
PARCEL="{\"items\": [{\"line\": \"$LINE\", \"quantity\": 2}], \"carrier\": \"Royal Mail\", \"tracking_number\": \"AB123456789GB\"}"
call POST "$API/orders/$ID/fulfilments" "$PARCEL" "$STAFF" "Idempotency-Key: parcel-$RUN"; expect 201
equal "$(field items.0.quantity <<<"$BODY")" 2 "units in the parcel"
equal "$(order fulfilment_status)" partial "fulfilment"

say "cancel the third, and its money goes back"
call POST "$API/orders/$ID/cancel" "{\"items\": [{\"line\": \"$LINE\", \"quantity\": 1}], \"reason\": \"One broke here.\"}" "$STAFF"; expect 200
equal "$(order status)" shipped "status"
refunded() { call GET "$API/payments/$PAYMENT" "" "$AUTH"; field refunded.amount <<<"$BODY"; }
gone_back() { [ "$(refunded)" != "$1" ]; }
poll 30 gone_back 0.00 || fail "nothing went back for the cancelled one"

say "refund a little, and never more than was paid"
FIRST=$(refunded)
call POST "$API/payments/$PAYMENT/refunds" '{"amount": "0.50", "reason": "A scratch."}' "$STAFF" "Idempotency-Key: refund-$RUN"; expect 201
call POST "$API/payments/$PAYMENT/refunds" '{"amount": "0.50", "reason": "A scratch."}' "$STAFF" "Idempotency-Key: refund-$RUN"; expect 201
poll 30 gone_back "$FIRST" || fail "the refund did not go back"
call POST "$API/payments/$PAYMENT/refunds" '{"amount": "9999.00", "reason": "Too much."}' "$STAFF"; expect 409

say "the customer sends one back; staff receive and settle it"
call POST "$API/orders/$ID/returns" "{\"items\": [{\"line\": \"$LINE\", \"quantity\": 1, \"reason\": \"damaged\"}]}" "$AUTH"; expect 201
RETURN=$(field id <<<"$BODY")
call POST "$API/returns/$RETURN/approve" '{"answer": "To 1 Dock Road, Hull."}' "$AUTH"; expect 403
call POST "$API/returns/$RETURN/approve" '{"answer": "To 1 Dock Road, Hull."}' "$STAFF"; expect 200
call POST "$API/returns/$RETURN/receive" '{}' "$STAFF"; expect 200
FIRST=$(refunded)
call POST "$API/returns/$RETURN/settle" '{"restock": true}' "$STAFF"; expect 200
equal "$(field status <<<"$BODY")" completed "the return"
poll 30 gone_back "$FIRST" || fail "the return gave nothing back"
equal "$(units)" "$((BEFORE - 1))" "units: two were sent, one came back"

echo "The journey is complete."
