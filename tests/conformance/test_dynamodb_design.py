"""One table for a whole application, as AWS's guide to NoSQL design lays it: a shop whose customers, orders, products, staff and their teams lie in one
table under overloaded keys, read by two overloaded indexes, one sparse index and one local index.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/best-practices.html

| pattern                                          | how                                               |
|--------------------------------------------------|---------------------------------------------------|
| a customer's latest orders                       | item collection CUSTOMER#, descending             |
| an order with its lines                          | item collection ORDER#                            |
| orders of a product; members of a team and teams of a member | adjacency list, inverted by gsi1      |
| by e-mail; by place, at any level of it          | gsi1, overloaded; hierarchical sort key           |
| orders that wait to be packed, oldest first      | gsi2, sparse: the attribute goes when it is packed |
| a customer's orders by amount                    | local index                                       |
| an e-mail belongs to one customer                | transaction with an item that stands for it       |
| stock never falls below zero, an order is whole  | transaction: lines, stock, order                  |
| each version of a document, and the latest       | version items, optimistic locking                 |
| votes on a hot item                              | write sharding                                    |
"""

import decimal
import random
import threading

import boto3
import botocore.config
import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError
from lambari import REGION, Lambari

KEYS = ("pk", "sk", "gsi1pk", "gsi1sk", "waiting", "placed", "amount")


class Shop:
    """The data layer of an application: every access pattern of the table above is one method."""

    def __init__(self, server, name):
        self.resource = boto3.resource("dynamodb", endpoint_url=server.url, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test",
                                       config=botocore.config.Config(retries={"max_attempts": 0}, max_pool_connections=16))
        self.client, self.name = self.resource.meta.client, name
        self.table = self.resource.Table(name)

    def create(self):
        index = lambda name, hash_key, range_key, **projection: {  # noqa: E731
            "IndexName": name, "KeySchema": [{"AttributeName": hash_key, "KeyType": "HASH"}, {"AttributeName": range_key, "KeyType": "RANGE"}],
            "Projection": projection or {"ProjectionType": "ALL"}}
        self.resource.create_table(
            TableName=self.name, BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": a, "AttributeType": "N" if a == "amount" else "S"} for a in KEYS],
            GlobalSecondaryIndexes=[index("gsi1", "gsi1pk", "gsi1sk"),
                                    index("gsi2", "waiting", "placed", ProjectionType="INCLUDE", NonKeyAttributes=["customer"])],
            LocalSecondaryIndexes=[index("by-amount", "pk", "amount", ProjectionType="KEYS_ONLY")]).wait_until_exists(WaiterConfig={"Delay": 1, "MaxAttempts": 20})

    def every(self, call, **options):
        """Through all pages."""
        items, start = [], {}
        while True:
            page = call(**options, **start)
            items += page["Items"]
            if "LastEvaluatedKey" not in page:
                return items
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    # Customers.
    def sign_up(self, customer, email, place):
        with_keys = {"pk": f"CUSTOMER#{customer}", "sk": "#PROFILE", "gsi1pk": "PLACE", "gsi1sk": "#".join(place), "email": email, "orders": 0}
        self.client.transact_write_items(TransactItems=[
            {"Put": {"TableName": self.name, "Item": with_keys, "ConditionExpression": "attribute_not_exists(pk)"}},
            {"Put": {"TableName": self.name, "Item": {"pk": f"EMAIL#{email}", "sk": "#UNIQUE", "gsi1pk": f"EMAIL#{email}", "gsi1sk": f"CUSTOMER#{customer}"},
                     "ConditionExpression": "attribute_not_exists(pk)"}}])

    def by_email(self, email):
        found = self.table.query(IndexName="gsi1", KeyConditionExpression=Key("gsi1pk").eq(f"EMAIL#{email}"))["Items"]
        return found[0]["gsi1sk"].removeprefix("CUSTOMER#") if found else None

    def living_in(self, *place):
        items = self.every(self.table.query, IndexName="gsi1", KeyConditionExpression=Key("gsi1pk").eq("PLACE") & Key("gsi1sk").begins_with("#".join(place)), Limit=3)
        return [i["pk"].removeprefix("CUSTOMER#") for i in items]

    def with_latest_orders(self, customer, count):
        page = self.table.query(KeyConditionExpression=Key("pk").eq(f"CUSTOMER#{customer}") & Key("sk").begins_with("ORDER#"), ScanIndexForward=False, Limit=count)
        profile = self.table.get_item(Key={"pk": f"CUSTOMER#{customer}", "sk": "#PROFILE"}, ProjectionExpression="email, orders")["Item"]
        return profile, [i["sk"].removeprefix("ORDER#") for i in page["Items"]]

    # Orders.
    def order(self, customer, number, placed, lines):
        """All of it or nothing: the order, its lines, the stock of each product, the customer's count."""
        amount = sum(count * price for _, count, price in lines)
        update = lambda key, expression, values, condition: {"Update": {  # noqa: E731
            "TableName": self.name, "Key": key, "UpdateExpression": expression, "ExpressionAttributeValues": values, "ConditionExpression": condition}}
        writes = [{"Put": {"TableName": self.name, "ConditionExpression": "attribute_not_exists(pk)", "Item": {
            "pk": f"CUSTOMER#{customer}", "sk": f"ORDER#{number}", "gsi1pk": f"ORDER#{number}", "gsi1sk": "#ORDER", "waiting": "PACK", "placed": placed,
            "customer": customer, "amount": amount}}}]
        writes += [update({"pk": f"CUSTOMER#{customer}", "sk": "#PROFILE"}, "SET orders = orders + :one", {":one": 1}, "attribute_exists(pk)")]
        for product, count, price in lines:
            writes.append({"Put": {"TableName": self.name, "Item": {"pk": f"ORDER#{number}", "sk": f"PRODUCT#{product}", "gsi1pk": f"PRODUCT#{product}",
                                                                    "gsi1sk": f"ORDER#{number}", "count": count, "price": price}}})
            writes.append(update({"pk": f"PRODUCT#{product}", "sk": "#STOCK"}, "SET stock = stock - :n", {":n": count}, "stock >= :n"))
        self.client.transact_write_items(TransactItems=writes)

    def packed(self, customer, number):
        self.table.update_item(Key={"pk": f"CUSTOMER#{customer}", "sk": f"ORDER#{number}"}, UpdateExpression="REMOVE waiting SET #s = :packed",
                               ExpressionAttributeNames={"#s": "status"}, ExpressionAttributeValues={":packed": "packed"}, ConditionExpression="attribute_exists(waiting)")

    def to_pack(self):
        return [(i["placed"], i["customer"]) for i in self.every(self.table.query, IndexName="gsi2", KeyConditionExpression=Key("waiting").eq("PACK"), Limit=2)]

    def lines(self, number):
        items = self.table.query(KeyConditionExpression=Key("pk").eq(f"ORDER#{number}"), ProjectionExpression="sk, #c", ExpressionAttributeNames={"#c": "count"})["Items"]
        return {i["sk"].removeprefix("PRODUCT#"): int(i["count"]) for i in items}

    def orders_of_product(self, product):
        items = self.table.query(IndexName="gsi1", KeyConditionExpression=Key("gsi1pk").eq(f"PRODUCT#{product}") & Key("gsi1sk").begins_with("ORDER#"))["Items"]
        return [i["pk"].removeprefix("ORDER#") for i in items]

    def largest_orders(self, customer, at_least):
        items = self.table.query(IndexName="by-amount", KeyConditionExpression=Key("pk").eq(f"CUSTOMER#{customer}") & Key("amount").gte(at_least),
                                 ScanIndexForward=False, ConsistentRead=True)["Items"]
        return [(i["sk"].removeprefix("ORDER#"), int(i["amount"])) for i in items]

    def stock(self, product):
        return int(self.table.get_item(Key={"pk": f"PRODUCT#{product}", "sk": "#STOCK"}, ConsistentRead=True)["Item"]["stock"])

    # Staff and teams, many to many.
    def join(self, member, team, role):
        self.table.put_item(Item={"pk": f"STAFF#{member}", "sk": f"TEAM#{team}", "gsi1pk": f"TEAM#{team}", "gsi1sk": f"STAFF#{member}", "role": role})

    def teams_of(self, member):
        return [i["sk"] for i in self.table.query(KeyConditionExpression=Key("pk").eq(f"STAFF#{member}") & Key("sk").begins_with("TEAM#"))["Items"]]

    def members_of(self, team, role=None):
        options = {"FilterExpression": Attr("role").eq(role)} if role else {}
        return [i["pk"] for i in self.table.query(IndexName="gsi1", KeyConditionExpression=Key("gsi1pk").eq(f"TEAM#{team}"), **options)["Items"]]

    # Documents with their history.
    def save(self, document, based_on, text):
        key = {"pk": f"DOCUMENT#{document}", "sk": "v0"}
        self.client.transact_write_items(TransactItems=[
            {"Update": {"TableName": self.name, "Key": key, "UpdateExpression": "SET latest = :next, content = :text", "ExpressionAttributeValues": {
                ":next": based_on + 1, ":text": text, ":base": based_on, ":none": 0},
                "ConditionExpression": "latest = :base OR (attribute_not_exists(latest) AND :base = :none)"}},
            {"Put": {"TableName": self.name, "Item": {**key, "sk": f"v{based_on + 1}", "content": text}, "ConditionExpression": "attribute_not_exists(pk)"}}])

    def read(self, document, version=0):
        item = self.table.get_item(Key={"pk": f"DOCUMENT#{document}", "sk": f"v{version}"}).get("Item", {})
        return int(item.get("latest", version)), item.get("content")


@pytest.fixture
def shop(server, name):
    shop = Shop(server, name)
    shop.create()
    return shop


def stocked(shop, **products):
    with shop.table.batch_writer() as batch:
        for product, stock in products.items():
            batch.put_item(Item={"pk": f"PRODUCT#{product}", "sk": "#STOCK", "gsi1pk": "PRODUCTS", "gsi1sk": product, "stock": stock})


def cancelled(work):
    with pytest.raises(ClientError) as refused:
        work()
    assert refused.value.response["Error"]["Code"] == "TransactionCanceledException"
    return [reason["Code"] for reason in refused.value.response["CancellationReasons"]]


def test_customers_are_found_by_their_address_and_place(shop):
    places = {"ana": ("BR", "SP", "Campinas"), "bia": ("BR", "SP", "Santos"), "caio": ("BR", "RJ", "Niteroi"), "dora": ("PT", "11", "Lisboa"),
              **{f"more{n}": ("BR", "SP", "Campinas") for n in range(5)}}
    for customer, place in places.items():
        shop.sign_up(customer, f"{customer}@example.com", place)
    assert cancelled(lambda: shop.sign_up("other", "ana@example.com", ("US",))) == ["None", "ConditionalCheckFailed"]
    assert cancelled(lambda: shop.sign_up("ana", "new@example.com", ("US",))) == ["ConditionalCheckFailed", "None"]
    assert shop.by_email("bia@example.com") == "bia" and shop.by_email("new@example.com") is None
    assert len(shop.living_in("BR")) == 8 and set(shop.living_in("BR", "SP", "Santos")) == {"bia"}
    assert shop.living_in("BR", "RJ") == ["caio"] and shop.living_in("US") == []


def test_an_order_is_whole_and_stock_never_falls_below_zero(shop):
    stocked(shop, rod=5, reel=3, bait=100)
    shop.sign_up("ana", "ana@example.com", ("BR",))
    shop.sign_up("bia", "bia@example.com", ("BR",))
    shop.order("ana", "001", "2026-01-01", [("rod", 1, 50), ("bait", 10, decimal.Decimal("0.5"))])
    shop.order("ana", "002", "2026-01-02", [("reel", 2, 30)])
    shop.order("bia", "003", "2026-01-03", [("bait", 90, 1)])
    # The third line has too little left: nothing of the order is there.
    assert cancelled(lambda: shop.order("bia", "004", "2026-01-04", [("rod", 1, 50), ("reel", 1, 30), ("bait", 1, 1)])) == \
        ["None", "None", "None", "None", "None", "None", "None", "ConditionalCheckFailed"]
    assert (shop.stock("rod"), shop.stock("reel"), shop.stock("bait")) == (4, 1, 0)
    assert shop.lines("004") == {} and shop.lines("001") == {"bait": 10, "rod": 1}
    assert shop.orders_of_product("bait") == ["001", "003"]
    profile, latest = shop.with_latest_orders("ana", 1)
    assert latest == ["002"] and profile == {"email": "ana@example.com", "orders": 2}
    assert shop.largest_orders("ana", 10) == [("002", 60), ("001", 55)] and shop.largest_orders("ana", 56) == [("002", 60)]
    # The sparse index has what waits, oldest first, with the attributes it projects; what is packed leaves it.
    assert shop.to_pack() == [("2026-01-01", "ana"), ("2026-01-02", "ana"), ("2026-01-03", "bia")]
    shop.packed("ana", "001")
    assert shop.to_pack() == [("2026-01-02", "ana"), ("2026-01-03", "bia")]
    with pytest.raises(shop.client.exceptions.ConditionalCheckFailedException):
        shop.packed("ana", "001")
    assert shop.table.get_item(Key={"pk": "CUSTOMER#ana", "sk": "ORDER#001"})["Item"]["status"] == "packed"


def test_relations_are_read_from_both_sides(shop):
    for member, team, role in [("eva", "sales", "lead"), ("eva", "support", "member"), ("flavio", "sales", "member"), ("gil", "support", "lead")]:
        shop.join(member, team, role)
    assert shop.teams_of("eva") == ["TEAM#sales", "TEAM#support"] and shop.members_of("sales") == ["STAFF#eva", "STAFF#flavio"]
    assert shop.members_of("support", role="lead") == ["STAFF#gil"]
    shop.table.delete_item(Key={"pk": "STAFF#eva", "sk": "TEAM#support"})
    assert shop.members_of("support") == ["STAFF#gil"]


def test_a_document_keeps_its_versions_and_one_writer_wins(shop):
    shop.save("plan", 0, "first")
    shop.save("plan", 1, "second")
    assert cancelled(lambda: shop.save("plan", 1, "too late")) == ["ConditionalCheckFailed", "ConditionalCheckFailed"]
    assert shop.read("plan") == (2, "second") and shop.read("plan", 1) == (1, "first") and shop.read("plan", 3) == (3, None)
    # Many writers, each on what it has just read: as many versions as were acknowledged.
    done = []

    def write(number):
        for _ in range(5):
            latest, _ = shop.read("plan")
            try:
                shop.save("plan", latest, f"{number}")
                done.append(number)
            except ClientError as error:
                assert error.response["Error"]["Code"] == "TransactionCanceledException"

    writers = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    latest, content = shop.read("plan")
    assert latest == 2 + len(done) and len(done) >= 5
    history = shop.table.query(KeyConditionExpression=Key("pk").eq("DOCUMENT#plan") & Key("sk").gt("v0"))
    assert history["Count"] == latest and shop.read("plan", latest)[1] == content


def test_votes_on_a_hot_item_are_sharded_and_summed(shop):
    shards = 10
    for n in range(100):
        shop.table.update_item(Key={"pk": f"VOTES#lambari#{random.randrange(shards)}", "sk": "COUNT"}, UpdateExpression="ADD votes :one", ExpressionAttributeValues={":one": 1})
    answer = shop.resource.batch_get_item(RequestItems={shop.name: {"Keys": [{"pk": f"VOTES#lambari#{n}", "sk": "COUNT"} for n in range(shards)]}})
    assert sum(int(i["votes"]) for i in answer["Responses"][shop.name]) == 100


def test_the_model_survives_a_restart(name):
    """Every index says after a kill what it said before."""
    server = Lambari().start()
    try:
        shop = Shop(server, name)
        shop.create()
        stocked(shop, rod=50)
        shop.sign_up("ana", "ana@example.com", ("BR", "SP"))
        for n in range(12):
            shop.order("ana", f"{n:03}", f"2026-01-{n + 1:02}", [("rod", 1, n)])
        shop.packed("ana", "003")

        def told():
            return shop.to_pack(), shop.orders_of_product("rod"), shop.largest_orders("ana", 5), shop.living_in("BR"), shop.with_latest_orders("ana", 20), shop.stock("rod")

        before = told()
        assert len(before[0]) == 11 and len(before[1]) == 12 and before[5] == 38
        server.kill()
        server.start()
        assert told() == before
    finally:
        server.close()
