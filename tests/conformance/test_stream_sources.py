"""Event source mappings of DynamoDB streams through boto3 and the AWS CLI: what is written is what the function gets, in order, and what
each setting does about it."""

import datetime
import json
import time

import pytest
from botocore.exceptions import ClientError
from lambari import ACCOUNT, REGION, zip_of
from test_async import advance, calls, role, until

# Writes each event into its log, then does what the newest images of its records say.
WORKER = {"app.py": """
import json, time
def handler(event, context):
    print('CALL', context.aws_request_id, json.dumps(event))
    for record in event['Records']:
        image = record['dynamodb'].get('NewImage', {})
        if 'sleep' in image:
            time.sleep(float(image['sleep']['N']))
        if 'fail' in image:
            raise ValueError('boom')
"""}
PARTIAL = {"app.py": """
import json
def handler(event, context):
    print('CALL', context.aws_request_id, json.dumps(event))
    return {'batchItemFailures': [{'itemIdentifier': r['dynamodb']['SequenceNumber']} for r in event['Records'] if 'fail' in r['dynamodb']['NewImage']]}
"""}
WINDOWS = {"app.py": """
import json
def handler(event, context):
    print('CALL', context.aws_request_id, json.dumps(event))
    state = event['state']
    for record in event['Records']:
        image = record['dynamodb']['NewImage']
        if 'big' in image:
            state['big'] = 'x' * 1_100_000
        if 'forget' in image:
            return {}
        state['count'] = state.get('count', 0) + 1
    return {'state': state}
"""}
STREAMS = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["dynamodb:*", "sqs:*", "sns:Publish"], "Resource": "*"}]}


def stream_role(server):
    role(server)
    result = server.role("stream-role")
    server.client("iam").put_role_policy(RoleName="stream-role", PolicyName="streams", PolicyDocument=json.dumps(STREAMS))
    return result


class Setup:
    """A table with a stream, and a function with a role that may read it."""

    def __init__(self, server, name, files=WORKER, view="NEW_AND_OLD_IMAGES", **options):
        self.server, self.name = server, name
        self.connect()
        self.db.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                             AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                             StreamSpecification={"StreamEnabled": True, "StreamViewType": view})
        self.db.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
        self.stream = self.db.describe_table(TableName=name)["Table"]["LatestStreamArn"]
        server.function(name, files, Role=stream_role(server), **options)

    def connect(self):
        self.db, self.client, self.sqs = (self.server.client(service) for service in ("dynamodb", "lambda", "sqs"))
        return self

    def map(self, **options):
        options = {"EventSourceArn": self.stream, "FunctionName": self.name, "StartingPosition": "TRIM_HORIZON"} | options
        made = self.client.create_event_source_mapping(**options)
        self.settled(made["UUID"])
        return made

    def state(self, uuid):
        return self.client.get_event_source_mapping(UUID=uuid)["State"]

    def settled(self, uuid, states=("Enabled", "Disabled")):
        until(lambda: self.state(uuid) in states)

    def put(self, *ids, **more):
        for each in ids:
            self.db.put_item(TableName=self.name, Item={"id": {"S": str(each)}} | more)

    def events(self):
        return [event for _, event in calls(self.server, self.name)]

    def batches(self):
        """The ids of the records of each call."""
        return [[record["dynamodb"]["Keys"]["id"]["S"] for record in event["Records"]] for event in self.events()]

    def ids(self):
        return [each for batch in self.batches() for each in batch]

    def queue(self, suffix=""):
        url = self.sqs.create_queue(QueueName=self.name + suffix)["QueueUrl"]
        return url, self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def message(self, url):
        message, = self.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
        self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return json.loads(message["Body"])


def test_records_reach_the_function_as_aws_documents_them(server, name):
    s = Setup(server, name)
    made = s.map()
    assert made["State"] == "Creating" and made["StateTransitionReason"] == "User action" and made["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert made["EventSourceArn"] == s.stream and made["FunctionArn"] == f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    defaults = {"BatchSize": 100, "MaximumBatchingWindowInSeconds": 0, "ParallelizationFactor": 1, "StartingPosition": "TRIM_HORIZON",
                "MaximumRecordAgeInSeconds": -1, "MaximumRetryAttempts": -1, "BisectBatchOnFunctionError": False, "TumblingWindowInSeconds": 0,
                "DestinationConfig": {"OnFailure": {}}, "FunctionResponseTypes": [], "LastProcessingResult": "No records processed"}
    assert {k: made[k] for k in defaults} == defaults
    item = {"id": {"S": "a"}, "n": {"N": "1.50"}, "b": {"B": b"\x00\xff"}, "t": {"BOOL": True}, "z": {"NULL": True}, "l": {"L": [{"S": 'q"\n'}, {"N": "2"}]},
            "m": {"M": {"x": {"SS": ["u", "v"]}}}, "ns": {"NS": ["1", "2"]}, "bs": {"BS": [b"\x01"]}}
    s.db.put_item(TableName=name, Item=item)
    s.db.update_item(TableName=name, Key={"id": {"S": "a"}}, UpdateExpression="SET n = :n REMOVE b, t, z, l, m, ns, bs",
                     ExpressionAttributeValues={":n": {"N": "2"}})
    s.db.delete_item(TableName=name, Key={"id": {"S": "a"}})
    until(lambda: len(s.ids()) == 3)
    records = [record for event in s.events() for record in event["Records"]]
    streams = server.client("dynamodbstreams")
    shard = streams.describe_stream(StreamArn=s.stream)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=s.stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    api = streams.get_records(ShardIterator=iterator)["Records"]
    for record, same in zip(records, api, strict=True):
        assert set(record) == {"eventID", "eventName", "eventVersion", "eventSource", "awsRegion", "dynamodb", "eventSourceARN"}
        assert record["eventSourceARN"] == s.stream and record["eventSource"] == "aws:dynamodb" and record["awsRegion"] == REGION
        assert (record["eventID"], record["eventName"], record["eventVersion"]) == (same["eventID"], same["eventName"], "1.1")
        inner = record["dynamodb"]
        assert inner["SequenceNumber"] == same["dynamodb"]["SequenceNumber"] and inner["SizeBytes"] == same["dynamodb"]["SizeBytes"]
        assert inner["StreamViewType"] == "NEW_AND_OLD_IMAGES" and inner["Keys"] == {"id": {"S": "a"}}
        assert inner["ApproximateCreationDateTime"] == same["dynamodb"]["ApproximateCreationDateTime"].timestamp()
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    assert records[0]["dynamodb"]["NewImage"] == {
        "id": {"S": "a"}, "n": {"N": "1.5"}, "b": {"B": "AP8="}, "t": {"BOOL": True}, "z": {"NULL": True}, "l": {"L": [{"S": 'q"\n'}, {"N": "2"}]},
        "m": {"M": {"x": {"SS": ["u", "v"]}}}, "ns": {"NS": ["1", "2"]}, "bs": {"BS": ["AQ=="]}}
    assert records[1]["dynamodb"]["OldImage"] == records[0]["dynamodb"]["NewImage"] and "OldImage" not in records[0]["dynamodb"]
    assert records[2]["dynamodb"]["OldImage"] == {"id": {"S": "a"}, "n": {"N": "2"}} and "NewImage" not in records[2]["dynamodb"]
    listed = server.aws("lambda", "list-event-source-mappings", "--function-name", name)["EventSourceMappings"]
    assert [(m["UUID"], m["State"], m["LastProcessingResult"]) for m in listed] == [(made["UUID"], "Enabled", "OK")]


def test_items_deleted_by_their_time_to_live_say_so(own_server, name):
    s = Setup(own_server, name)
    s.db.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"})
    s.map()
    s.put("a", until={"N": str(int(time.time()) + 3600)})
    advance(own_server, "2h")
    until(lambda: len(s.ids()) == 2)
    record = s.events()[-1]["Records"][-1]
    assert record["eventName"] == "REMOVE" and record["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


def test_starting_positions(server, name):
    s = Setup(server, name)
    s.put("before")
    s.map(StartingPosition="LATEST")
    s.put("after")
    until(lambda: s.ids() == ["after"])
    other = name + "-all"
    server.function(other, WORKER, Role=stream_role(server))
    s.map(FunctionName=other)
    until(lambda: [r["dynamodb"]["Keys"]["id"]["S"] for _, e in calls(server, other) for r in e["Records"]] == ["before", "after"])
    assert s.ids() == ["after"]


def test_batch_size_and_window(own_server, name):
    s = Setup(own_server, name)
    s.put(*range(25))
    uuid = s.map(BatchSize=10)["UUID"]
    until(lambda: len(s.ids()) == 25)
    assert [len(batch) for batch in s.batches()] == [10, 10, 5] and s.ids() == [str(n) for n in range(25)]
    s.client.update_event_source_mapping(UUID=uuid, BatchSize=10_000, MaximumBatchingWindowInSeconds=300)
    s.settled(uuid, ("Enabled",))
    s.put(*range(100, 140))
    time.sleep(1)
    assert len(s.ids()) == 25
    advance(own_server, "5m")
    until(lambda: len(s.ids()) == 65)
    assert [len(batch) for batch in s.batches()] == [10, 10, 5, 40]


def test_filters_look_at_the_record(server, name):
    s = Setup(server, name)
    s.map(FilterCriteria={"Filters": [{"Pattern": json.dumps({"eventName": ["INSERT"], "dynamodb": {"NewImage": {"city": {"S": ["Natal"]}}}})}]})
    for city in ("Recife", "Natal", "Olinda"):
        s.put(city, city={"S": city})
    s.put("Natal", city={"S": "Natal"}, more={"S": "a change"})
    s.put("last", city={"S": "Natal"})
    until(lambda: s.ids() == ["Natal", "last"])


def test_parallel_batches_keep_the_order_of_each_key(server, name):
    s = Setup(server, name)
    keys, rounds = [f"k{n}" for n in range(30)], 6
    for number in range(rounds):
        s.put(*keys, number={"N": str(number)}, sleep={"N": "0.01"})
    s.map(ParallelizationFactor=10, BatchSize=5)
    until(lambda: len(s.ids()) == len(keys) * rounds, 60)
    order = {}
    for event in s.events():
        for record in event["Records"]:
            order.setdefault(record["dynamodb"]["Keys"]["id"]["S"], []).append(record["dynamodb"]["NewImage"]["number"]["N"])
    assert order == {key: [str(number) for number in range(rounds)] for key in keys}
    # A key that fails holds its own lane, and the others go on.
    s.put("poison", fail={"S": "x"})
    until(lambda: s.ids().count("poison") >= 2)
    s.put(*(f"new{n}" for n in range(20)))
    until(lambda: len({each for each in s.ids() if each.startswith("new")}) >= 10)


def test_a_failing_batch_holds_the_shard_until_it_is_given_up(server, name):
    s = Setup(server, name)
    url, arn = s.queue()
    uuid = s.map(MaximumRetryAttempts=2, BatchSize=2, DestinationConfig={"OnFailure": {"Destination": arn}})["UUID"]
    s.put("bad", fail={"S": "x"})
    s.put("good1", "good2")
    document = s.message(url)
    until(lambda: "good2" in s.ids())
    batches = s.batches()
    bad = [batch for batch in batches if "bad" in batch]
    assert len(bad) == 3 and all(batch == bad[0] for batch in bad) and batches[:3] == bad
    request_ids = [request for request, event in calls(server, name)]
    assert document["requestContext"] == {"requestId": request_ids[2], "functionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}",
                                          "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 3}
    assert document["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    records = s.events()[0]["Records"]
    info = document["DDBStreamBatchInfo"]
    moment = datetime.datetime.fromtimestamp(records[0]["dynamodb"]["ApproximateCreationDateTime"], datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert info["streamArn"] == s.stream and info["shardId"].startswith("shardId-") and info["batchSize"] == len(records)
    assert info["startSequenceNumber"] == records[0]["dynamodb"]["SequenceNumber"] and info["endSequenceNumber"] == records[-1]["dynamodb"]["SequenceNumber"]
    assert info["approximateArrivalOfFirstRecord"] == moment and document["version"] == "1.0" and document["timestamp"].endswith("Z")
    assert s.client.get_event_source_mapping(UUID=uuid)["DestinationConfig"] == {"OnFailure": {"Destination": arn}}
    # What the document names can be fetched from the stream.
    streams = server.client("dynamodbstreams")
    iterator = streams.get_shard_iterator(StreamArn=s.stream, ShardId=info["shardId"], ShardIteratorType="AT_SEQUENCE_NUMBER",
                                          SequenceNumber=info["startSequenceNumber"])["ShardIterator"]
    assert streams.get_records(ShardIterator=iterator, Limit=1)["Records"][0]["dynamodb"]["Keys"] == {"id": {"S": "bad"}}


def test_a_topic_is_told_of_what_is_given_up(server, name):
    s = Setup(server, name)
    url, arn = s.queue()
    sns = server.client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    s.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}]})})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    s.map(MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": topic}})
    s.put("bad", fail={"S": "x"})
    document = s.message(url)
    assert document["requestContext"]["approximateInvokeCount"] == 1 and document["DDBStreamBatchInfo"]["batchSize"] == 1


def test_bisecting_isolates_the_bad_record(server, name):
    s = Setup(server, name)
    url, arn = s.queue()
    s.put(*"abc")
    s.put("bad", fail={"S": "x"})
    s.put(*"defg")
    s.map(BisectBatchOnFunctionError=True, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": arn}})
    info = s.message(url)["DDBStreamBatchInfo"]
    assert info["batchSize"] == 1 and info["startSequenceNumber"] == info["endSequenceNumber"]
    until(lambda: s.ids()[-1:] == ["g"])
    assert s.batches() == [["a", "b", "c", "bad", "d", "e", "f", "g"], ["a", "b", "c", "bad"], ["a", "b"], ["c", "bad"], ["c"], ["bad"],
                           ["d", "e", "f", "g"]]


def test_a_partial_failure_goes_on_from_the_lowest_failed_record(server, name):
    s = Setup(server, name, PARTIAL)
    url, arn = s.queue()
    s.put("a", "b")
    s.put("bad", fail={"S": "x"})
    s.put("c")
    s.map(FunctionResponseTypes=["ReportBatchItemFailures"], MaximumRetryAttempts=2, DestinationConfig={"OnFailure": {"Destination": arn}})
    document = s.message(url)
    until(lambda: s.batches() == [["a", "b", "bad", "c"], ["bad", "c"], ["bad", "c"]])
    assert document["DDBStreamBatchInfo"]["batchSize"] == 2 and "functionError" not in document["responseContext"]
    s.put("d")
    until(lambda: s.ids()[-1:] == ["d"])


def test_partial_failures_and_bisecting_together(server, name):
    s = Setup(server, name, PARTIAL)
    url, arn = s.queue()
    s.put("a", "b")
    s.put("bad", fail={"S": "x"})
    s.put("c", "d")
    s.map(FunctionResponseTypes=["ReportBatchItemFailures"], BisectBatchOnFunctionError=True, MaximumRetryAttempts=1,
          DestinationConfig={"OnFailure": {"Destination": arn}})
    assert s.message(url)["DDBStreamBatchInfo"]["batchSize"] == 1
    until(lambda: s.ids()[-1:] == ["d"])
    assert s.batches() == [["a", "b", "bad", "c", "d"], ["bad", "c", "d"], ["bad", "c"], ["bad"], ["bad"], ["c"], ["d"]]


def test_records_that_are_too_old_are_given_up(own_server, name):
    s = Setup(own_server, name)
    url, arn = s.queue()
    s.map(MaximumRecordAgeInSeconds=60, DestinationConfig={"OnFailure": {"Destination": arn}})
    s.put("bad", fail={"S": "x"})
    until(lambda: s.ids().count("bad") >= 2)
    advance(own_server, "2m")
    document = s.message(url)
    assert document["requestContext"]["condition"] == "RecordAgeExceeded" and document["requestContext"]["approximateInvokeCount"] >= 2
    s.put("good")
    until(lambda: s.ids()[-1:] == ["good"])


def test_a_throttled_batch_is_tried_until_there_is_room(server, name):
    s = Setup(server, name)
    s.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    uuid = s.map(MaximumRetryAttempts=0)["UUID"]
    s.put("a", "b")
    until(lambda: s.client.get_event_source_mapping(UUID=uuid)["LastProcessingResult"].startswith("PROBLEM: "))
    s.client.delete_function_concurrency(FunctionName=name)
    until(lambda: s.ids() == ["a", "b"])


def test_tumbling_windows_carry_a_state(own_server, name):
    s = Setup(own_server, name, WINDOWS)
    s.map(TumblingWindowInSeconds=300, BatchSize=2)
    advance(own_server, f"{301 - int(time.time()) % 300}s")  # to the beginning of a window
    s.put("a", "b", "c")
    until(lambda: len(s.ids()) == 3)
    advance(own_server, "5m")
    until(lambda: any(event["isFinalInvokeForWindow"] for event in s.events()))
    events = s.events()
    assert events[0]["state"] == {} and events[-1] == events[-1] | {"Records": [], "state": {"count": 3}, "isWindowTerminatedEarly": False}
    assert all(event["shardId"].startswith("shardId-") and event["eventSourceARN"] == s.stream for event in events)
    start, end = (datetime.datetime.fromisoformat(events[0]["window"][edge].replace("Z", "+00:00")) for edge in ("start", "end"))
    assert (end - start).total_seconds() == 300 and start.timestamp() % 300 == 0 and all(e["window"] == events[0]["window"] for e in events)
    # The next window begins anew, through a restart too.
    s.put("d")
    until(lambda: s.ids()[-1:] == ["d"])
    own_server.restart()
    s.connect().put("e")
    until(lambda: s.ids()[-1:] == ["e"])
    assert [event["state"] for event in s.events()[-2:]] == [{}, {"count": 1}]
    advance(own_server, "15m")
    until(lambda: s.events()[-1]["isFinalInvokeForWindow"])
    assert s.events()[-1]["state"] == {"count": 2}
    # Without windows again: no state, and what was open is forgotten.
    uuid = s.client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"][0]["UUID"]
    s.put("f")
    until(lambda: s.ids()[-1:] == ["f"])
    s.client.update_function_code(FunctionName=name, ZipFile=zip_of(WORKER))
    s.client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    s.client.update_event_source_mapping(UUID=uuid, TumblingWindowInSeconds=0)
    s.settled(uuid, ("Enabled",))
    s.put("g")
    until(lambda: s.ids()[-1:] == ["g"])
    assert set(s.events()[-1]) == {"Records"}


def test_a_window_ends_early_when_its_state_is_too_large(own_server, name):
    s = Setup(own_server, name, {"app.py": WINDOWS["app.py"].replace("json.dumps(event)", "json.dumps(event | {'state': len(json.dumps(event['state']))})")})
    s.map(TumblingWindowInSeconds=300)
    advance(own_server, f"{301 - int(time.time()) % 300}s")
    s.put("a", big={"S": "x"})
    until(lambda: any(event["isWindowTerminatedEarly"] for event in s.events()))
    assert s.events()[-1]["isFinalInvokeForWindow"] and s.events()[-1]["state"] > 1_000_000
    s.put("b")
    until(lambda: s.ids()[-1:] == ["b"])
    assert s.events()[-1]["state"] == 2


def test_an_answer_without_a_state_is_a_failure(server, name):
    s = Setup(server, name, WINDOWS)
    url, arn = s.queue()
    s.map(TumblingWindowInSeconds=300, MaximumRetryAttempts=1, DestinationConfig={"OnFailure": {"Destination": arn}})
    s.put("a", forget={"S": "x"})
    assert s.message(url)["requestContext"]["approximateInvokeCount"] == 2


def test_disable_update_delete_and_restart_go_on_from_the_checkpoint(own_server, name):
    server = own_server
    s = Setup(server, name)
    uuid = s.map()["UUID"]
    s.put("1")
    until(lambda: s.ids() == ["1"])
    assert s.client.update_event_source_mapping(UUID=uuid, Enabled=False)["State"] == "Disabling"
    s.settled(uuid, ("Disabled",))
    s.put("2")
    server.restart()
    s.connect()
    time.sleep(0.5)
    assert s.ids() == ["1"] and s.state(uuid) == "Disabled"
    server.aws("lambda", "update-event-source-mapping", "--uuid", uuid, "--enabled", "--batch-size", 5)
    until(lambda: s.ids() == ["1", "2"])
    s.settled(uuid, ("Enabled",))
    server.restart()
    s.connect().put("3")
    until(lambda: s.ids() == ["1", "2", "3"])
    assert s.client.update_event_source_mapping(UUID=uuid, ParallelizationFactor=4)["State"] == "Updating"
    s.settled(uuid, ("Enabled",))
    s.put("4")
    until(lambda: s.ids() == ["1", "2", "3", "4"])
    # Another function goes on where the first one was.
    other = name + "-other"
    server.function(other, WORKER, Role=stream_role(server))
    s.client.update_event_source_mapping(UUID=uuid, FunctionName=other)
    s.settled(uuid, ("Enabled",))
    s.put("5")
    until(lambda: [r["dynamodb"]["Keys"]["id"]["S"] for _, e in calls(server, other) for r in e["Records"]] == ["5"])
    assert s.client.delete_event_source_mapping(UUID=uuid)["State"] == "Deleting"
    until(lambda: not s.client.list_event_source_mappings(EventSourceArn=s.stream)["EventSourceMappings"])
    s.put("6")
    s.map()  # a new one knows nothing of the old one's place
    until(lambda: s.ids() == ["1", "2", "3", "4", "1", "2", "3", "4", "5", "6"])


def test_what_goes_away(server, name):
    s = Setup(server, name)
    uuid = s.map()["UUID"]
    s.put("1")
    until(lambda: s.ids() == ["1"])
    # Of a stream that is turned off what is in it is read to its end; a new stream has an ARN of its own.
    s.client.update_event_source_mapping(UUID=uuid, Enabled=False)
    s.settled(uuid, ("Disabled",))
    s.put("2")
    s.db.update_table(TableName=name, StreamSpecification={"StreamEnabled": False})
    s.db.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    s.put("3")
    s.client.update_event_source_mapping(UUID=uuid, Enabled=True)
    until(lambda: s.ids() == ["1", "2"])
    s.db.update_table(TableName=name, StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    s.db.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    s.stream = s.db.describe_table(TableName=name)["Table"]["LatestStreamArn"]
    second = s.map()["UUID"]
    s.put("4")
    until(lambda: s.ids() == ["1", "2", "4"])
    assert "NewImage" not in s.events()[-1]["Records"][0]["dynamodb"]
    # A function that is gone holds the shard; it goes on once it is there again.
    s.client.delete_function(FunctionName=name)
    s.put("5")
    until(lambda: s.client.get_event_source_mapping(UUID=second)["LastProcessingResult"].startswith("PROBLEM: "))
    server.function(name, WORKER, Role=stream_role(server))
    until(lambda: s.ids()[-1:] == ["5"], 40)
    # A table that is gone is a problem of the mapping, which can still be deleted.
    s.db.delete_table(TableName=name)
    until(lambda: "not found" in s.client.get_event_source_mapping(UUID=second)["LastProcessingResult"])
    s.client.delete_event_source_mapping(UUID=second)
    until(lambda: second not in [m["UUID"] for m in s.client.list_event_source_mappings()["EventSourceMappings"]])


def test_a_role_that_loses_its_permission_reads_no_more(server, name):
    s = Setup(server, name)
    iam, poor = server.client("iam"), name + "-role"
    arn = server.role(poor)
    actions = [f"dynamodb:{action}" for action in ("GetRecords", "GetShardIterator", "DescribeStream", "ListStreams")]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": s.stream, "Action": actions}]}
    s.client.update_function_configuration(FunctionName=name, Role=arn)
    s.client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    for action in actions:  # each is needed
        iam.put_role_policy(RoleName=poor, PolicyName="stream", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": s.stream, "Action": [a for a in actions if a != action]}]}))
        with pytest.raises(ClientError) as error:
            s.map()
        assert error.value.response["Error"]["Message"].startswith(f"Cannot access stream {s.stream}. Please ensure")
    iam.put_role_policy(RoleName=poor, PolicyName="stream", PolicyDocument=json.dumps(policy))
    uuid = s.map()["UUID"]
    s.put("1")
    until(lambda: s.ids() == ["1"])
    iam.delete_role_policy(RoleName=poor, PolicyName="stream")
    until(lambda: "not authorized to perform: dynamodb:GetRecords" in s.client.get_event_source_mapping(UUID=uuid)["LastProcessingResult"])
    s.put("2")
    # The stream's own policy may let it in, too.
    policy["Statement"][0]["Principal"] = {"AWS": arn}
    s.db.put_resource_policy(ResourceArn=s.stream, Policy=json.dumps(policy))
    until(lambda: s.ids() == ["1", "2"], 40)


def test_what_aws_refuses(server, name):
    s = Setup(server, name)
    url, queue = s.queue()

    def refusal(code="InvalidParameterValueException", **options):
        with pytest.raises(ClientError) as error:
            s.client.create_event_source_mapping(**({"EventSourceArn": s.stream, "FunctionName": name, "StartingPosition": "LATEST"} | options))
        assert error.value.response["Error"]["Code"] == code
        return error.value.response["Error"]["Message"]
    assert refusal(FunctionName="no-such") == "Function does not exist"
    assert refusal(EventSourceArn=s.stream[:-1] + ("1" if s.stream[-1] == "0" else "0")).startswith("Stream not found: arn:aws:dynamodb:")
    assert refusal(EventSourceArn=s.stream.rsplit("/", 2)[0]) == "Unrecognized event source."
    assert refusal(StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=1.0) == f"Unsupported starting position for arn type: {s.stream}"
    with pytest.raises(ClientError) as error:
        s.client.create_event_source_mapping(EventSourceArn=s.stream, FunctionName=name)
    assert "Value null at 'startingPosition'" in error.value.response["Error"]["Message"]
    assert "MaximumRecordAgeInSeconds" in refusal(MaximumRecordAgeInSeconds=59)
    assert "ParallelizationFactor" in refusal(TumblingWindowInSeconds=60, ParallelizationFactor=2)
    assert "ScalingConfig" in refusal(ScalingConfig={"MaximumConcurrency": 2})
    assert "is invalid" in refusal(DestinationConfig={"OnFailure": {"Destination": queue + ".fifo"}})
    assert refusal(FilterCriteria={"Filters": [{"Pattern": "{"}]}) == "Invalid filter pattern definition."
    for option, value in (("BatchSize", 10_001), ("ParallelizationFactor", 11), ("MaximumRetryAttempts", 10_001), ("TumblingWindowInSeconds", 901)):
        assert "failed to satisfy constraint" in refusal("ValidationException", **{option: value})
    server.function(name + "-poor", WORKER)  # its role may only write logs
    assert refusal(FunctionName=name + "-poor") == (
        f"Cannot access stream {s.stream}. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams "
        "Actions on your stream in IAM.")
    uuid = s.map()["UUID"]
    assert refusal("ResourceConflictException") == (f'The event source arn (" {s.stream} ") and function (" {name} ") provided mapping already exists. '
                                                    f"Please update or delete the existing mapping with UUID {uuid}")
    with pytest.raises(ClientError) as error:
        s.client.update_event_source_mapping(UUID=uuid, MaximumRecordAgeInSeconds=10)
    assert error.value.response["Error"]["Code"] == "InvalidParameterValueException"
    with pytest.raises(s.client.exceptions.ResourceNotFoundException):
        s.client.update_event_source_mapping(UUID="0" * 8 + uuid[8:], BatchSize=1)
