"""SNS through real clients: topics, subscriptions, filters, FIFO, HTTP endpoints with confirmation and signatures, dead letters."""

import base64
import http.server
import json
import subprocess
import tempfile
import threading
import time

import botocore.exceptions
import pytest
import requests
from lambari import ACCOUNT, PROGRAM, REGION

ALLOW_SNS = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*"}]}


def wait_for(what, seconds=20):
    deadline = time.monotonic() + seconds
    while True:
        result = what()
        if result:
            return result
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def advance(server, text):
    requests.post(f"{server.url}/_lambari/clock", json={"advance": text}, headers={"X-Lambari": "1"}, timeout=10).raise_for_status()


def make_queue(server, name, **attributes):
    """A queue that SNS may send to: its URL and ARN."""
    sqs = server.client("sqs")
    if name.endswith(".fifo"):
        attributes = {"FifoQueue": "true", **attributes}
    url = sqs.create_queue(QueueName=name, Attributes={"Policy": json.dumps(ALLOW_SNS), **attributes})["QueueUrl"]
    return url, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def take(server, url, count, seconds=20):
    """`count` messages, received and deleted, in the order in which they came."""
    sqs, found, deadline = server.client("sqs"), [], time.monotonic() + seconds
    while len(found) < count and time.monotonic() < deadline:
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, MessageAttributeNames=["All"],
                                  AttributeNames=["All"]).get("Messages", [])
        for message in got:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        found += got
    assert len(found) == count, f"{len(found)} of {count} messages came"
    return found


def is_empty(server, url):
    return "Messages" not in server.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=1)


class Subscriber:
    """An HTTP endpoint on this machine that remembers what it was sent and answers as it is told."""

    def __init__(self):
        seen, outer = [], self
        self.seen, self.status = seen, 200

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                status = outer.status(len(seen)) if callable(outer.status) else outer.status
                seen.append((self.path, dict(self.headers), body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/hook"

    def of_type(self, kind):
        return [(headers, body) for _, headers, body in list(self.seen) if headers.get("x-amz-sns-message-type") == kind]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def subscriber():
    instance = Subscriber()
    yield instance
    instance.close()


def verify(document):
    """The procedure of the SNS developer guide: the string to sign, and the certificate at SigningCertURL."""
    names = ["Message", "MessageId", "SubscribeURL", "Subject", "Timestamp", "Token", "TopicArn", "Type"]
    if document["Type"] == "Notification":
        names = [n for n in names if n not in ("SubscribeURL", "Token")]
    text = "".join(f"{name}\n{document[name]}\n" for name in names if name in document)
    certificate = requests.get(document["SigningCertURL"], timeout=10).content
    with tempfile.TemporaryDirectory() as folder:
        key, signature = f"{folder}/key.pem", f"{folder}/signature"
        with open(key, "wb") as file:
            file.write(subprocess.run(["openssl", "x509", "-pubkey", "-noout"], input=certificate, capture_output=True, check=True).stdout)
        with open(signature, "wb") as file:
            file.write(base64.b64decode(document["Signature"]))
        digest = {"1": "-sha1", "2": "-sha256"}[document["SignatureVersion"]]
        done = subprocess.run(["openssl", "dgst", digest, "-verify", key, "-signature", signature], input=text.encode(), capture_output=True)
        assert done.returncode == 0, done.stdout


def fault(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_topics_are_made_shown_changed_and_deleted(server, name):
    sns = server.client("sns")
    arn = sns.create_topic(Name=name, Attributes={"DisplayName": "News"}, Tags=[{"Key": "team", "Value": "a"}])["TopicArn"]
    assert arn == f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}"
    assert sns.create_topic(Name=name)["TopicArn"] == arn
    assert fault(sns.create_topic, Name=name, Attributes={"DisplayName": "Other"}) == (
        "InvalidParameter", "Invalid parameter: Attributes Reason: Topic already exists with different attributes")
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert attributes["DisplayName"] == "News" and attributes["Owner"] == ACCOUNT and attributes["SubscriptionsConfirmed"] == "0"
    assert json.loads(attributes["EffectiveDeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]["numRetries"] == 3
    sns.set_topic_attributes(TopicArn=arn, AttributeName="DisplayName", AttributeValue="Later")
    assert sns.get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"] == "Later"
    assert arn in [t["TopicArn"] for page in sns.get_paginator("list_topics").paginate() for t in page["Topics"]]
    sns.tag_resource(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "x"}])
    sns.untag_resource(ResourceArn=arn, TagKeys=["team"])
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "stage", "Value": "x"}]
    sns.delete_topic(TopicArn=arn)
    sns.delete_topic(TopicArn=arn)
    assert fault(sns.get_topic_attributes, TopicArn=arn) == ("NotFound", "Topic does not exist")
    assert fault(sns.publish, TopicArn=arn, Message="x") == ("NotFound", "Topic does not exist")


def test_what_is_not_acted_on_is_refused_by_name(server, name):
    sns = server.client("sns")
    assert "KmsMasterKeyId" in fault(sns.create_topic, Name=name, Attributes={"KmsMasterKeyId": "alias/aws/sns"})[1]
    arn = sns.create_topic(Name=name)["TopicArn"]
    for attribute, value in (("TracingConfig", "Active"), ("FirehoseSuccessFeedbackRoleArn", "arn:aws:iam::000000000000:role/x")):
        assert attribute in fault(sns.set_topic_attributes, TopicArn=arn, AttributeName=attribute, AttributeValue=value)[1]
    code, message = fault(sns.subscribe, TopicArn=arn, Protocol="firehose", Endpoint="arn:aws:firehose:us-east-1:000000000000:deliverystream/x")
    assert code == "InvalidParameter" and "firehose" in message
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        sns.create_platform_application(Name="p", Platform="GCM", Attributes={"PlatformCredential": "x"})
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_bad_input_is_answered_as_aws_answers(server, name):
    sns = server.client("sns")
    arn = sns.create_topic(Name=name)["TopicArn"]
    assert fault(sns.create_topic, Name="a b") == ("InvalidParameter", "Invalid parameter: Topic Name")
    assert fault(sns.publish, TopicArn=arn, Message="x" * (256 * 1024 + 1)) == ("InvalidParameter", "Invalid parameter: Message too long")
    sns.publish(TopicArn=arn, Message="x" * (256 * 1024))
    assert fault(sns.publish, TopicArn=arn, Message="x", Subject="a\nb") == ("InvalidParameter", "Invalid parameter: Subject")
    assert fault(sns.publish, TopicArn=arn, Message="{}", MessageStructure="json") == (
        "InvalidParameter", "Invalid parameter: Message Structure - No default entry in JSON message body")
    assert fault(sns.publish, TopicArn=arn, Message="x", MessageAttributes={"a": {"DataType": "Foo", "StringValue": "x"}})[0] == "ParameterValueInvalid"
    assert fault(sns.subscribe, TopicArn=arn, Protocol="pigeon", Endpoint="x") == (
        "InvalidParameter", "Invalid parameter: Amazon SNS does not support this protocol string: pigeon")
    assert fault(sns.subscribe, TopicArn=arn, Protocol="sqs", Endpoint="nothing") == ("InvalidParameter", "Invalid parameter: SQS endpoint ARN")
    assert fault(sns.subscribe, TopicArn=arn + "x", Protocol="email", Endpoint="a@b.c") == ("NotFound", "Topic does not exist")
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"
    code, message = fault(sns.subscribe, TopicArn=arn, Protocol="sqs", Endpoint=queue, Attributes={"FilterPolicy": '{"a":"b"}'})
    assert (code, message) == ("InvalidParameter", 'Invalid parameter: Attributes Reason: FilterPolicy: "a" must be an object or an array')
    code, _ = fault(sns.publish_batch, TopicArn=arn, PublishBatchRequestEntries=[{"Id": "1", "Message": "a"}, {"Id": "1", "Message": "b"}])
    assert code == "BatchEntryIdsNotDistinct"
    code, _ = fault(sns.publish_batch, TopicArn=arn, PublishBatchRequestEntries=[{"Id": str(i), "Message": "a"} for i in range(11)])
    assert code == "TooManyEntriesInBatchRequest"


def test_queues_receive_the_envelope_or_the_raw_message(server, name):
    sns = server.client("sns")
    arn = sns.create_topic(Name=name)["TopicArn"]
    url, queue = make_queue(server, name)
    raw_url, raw_queue = make_queue(server, name + "-raw")
    subscription = sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)["SubscriptionArn"]
    assert sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)["SubscriptionArn"] == subscription
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=raw_queue, Attributes={"RawMessageDelivery": "true"})
    published = sns.publish(TopicArn=arn, Message="olá", Subject="Oi", MessageAttributes={
        "kind": {"DataType": "String", "StringValue": "new"}, "blob": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}})
    document = json.loads(take(server, url, 1)[0]["Body"])
    assert document["Type"] == "Notification" and document["MessageId"] == published["MessageId"] and document["TopicArn"] == arn
    assert document["Message"] == "olá" and document["Subject"] == "Oi"
    assert document["MessageAttributes"] == {"kind": {"Type": "String", "Value": "new"},
                                             "blob": {"Type": "Binary", "Value": base64.b64encode(b"\x00\xff").decode()}}
    assert subscription in document["UnsubscribeURL"]
    verify(document)
    message = take(server, raw_url, 1)[0]
    assert message["Body"] == "olá" and message["MessageAttributes"]["kind"]["StringValue"] == "new"
    assert message["MessageAttributes"]["blob"]["BinaryValue"] == b"\x00\xff"

    sns.set_topic_attributes(TopicArn=arn, AttributeName="SignatureVersion", AttributeValue="2")
    sns.publish(TopicArn=arn, Message=json.dumps({"default": "d", "sqs": "for queues"}), MessageStructure="json")
    document = json.loads(take(server, url, 1)[0]["Body"])
    assert document["Message"] == "for queues" and document["SignatureVersion"] == "2"
    verify(document)
    take(server, raw_url, 1)
    sns.unsubscribe(SubscriptionArn=subscription)
    sns.publish(TopicArn=arn, Message="later")
    assert take(server, raw_url, 1)[0]["Body"] == "later"
    assert is_empty(server, url)


def test_filters_choose_by_attributes_and_by_body(server, name):
    sns = server.client("sns")
    arn = sns.create_topic(Name=name)["TopicArn"]
    url, queue = make_queue(server, name)
    body_url, body_queue = make_queue(server, name + "-body")
    policy = {"event": ["order", {"prefix": "ref"}], "price": [{"numeric": [">=", 100]}], "interests": ["rugby", {"anything-but": ["x"]}]}
    subscription = sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue, Attributes={
        "RawMessageDelivery": "true", "FilterPolicy": json.dumps(policy)})["SubscriptionArn"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=body_queue, Attributes={
        "RawMessageDelivery": "true", "FilterPolicyScope": "MessageBody", "FilterPolicy": json.dumps({"order": {"state": ["paid"]}})})

    def publish(message, event="order", price=100, interests=("rugby",)):
        sns.publish(TopicArn=arn, Message=message, MessageAttributes={
            "event": {"DataType": "String", "StringValue": event}, "price": {"DataType": "Number", "StringValue": str(price)},
            "interests": {"DataType": "String.Array", "StringValue": json.dumps(list(interests))}})

    publish("no", price=99)
    publish("no", event="other")
    publish("no", interests=["x"])
    sns.publish(TopicArn=arn, Message="no")
    publish("yes", event="refund")
    publish(json.dumps({"order": {"state": "open"}}), event="no")
    publish(json.dumps({"order": [{"state": "open"}, {"state": "paid"}]}), event="no")
    assert take(server, url, 1)[0]["Body"] == "yes"
    assert json.loads(take(server, body_url, 1)[0]["Body"])["order"][1]["state"] == "paid"
    assert is_empty(server, url) and is_empty(server, body_url)
    sns.set_subscription_attributes(SubscriptionArn=subscription, AttributeName="FilterPolicy", AttributeValue="{}")
    publish("now", event="other")
    assert take(server, url, 1)[0]["Body"] == "now"
    attributes = sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    assert "FilterPolicy" not in attributes and attributes["RawMessageDelivery"] == "true"


def test_http_endpoints_confirm_verify_and_unsubscribe_by_link(server, name, subscriber):
    sns = server.client("sns")
    arn = sns.create_topic(Name=name)["TopicArn"]
    assert sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=subscriber.url)["SubscriptionArn"] == "pending confirmation"
    headers, body = wait_for(lambda: subscriber.of_type("SubscriptionConfirmation"))[0]
    confirmation = json.loads(body)
    verify(confirmation)
    assert headers["Content-Type"] == "text/plain; charset=UTF-8" and headers["x-amz-sns-topic-arn"] == arn
    sns.publish(TopicArn=arn, Message="too early")
    assert fault(sns.confirm_subscription, TopicArn=arn, Token="nonsense") == ("InvalidParameter", "Invalid parameter: Token")
    answer = requests.get(confirmation["SubscribeURL"], timeout=10)
    assert answer.status_code == 200 and "<SubscriptionArn>" in answer.text
    subscription = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"][0]["SubscriptionArn"]
    sns.publish(TopicArn=arn, Message="hello", Subject="S")
    headers, body = wait_for(lambda: subscriber.of_type("Notification"))[0]
    assert headers["x-amz-sns-subscription-arn"] == subscription and headers["User-Agent"] == "Amazon Simple Notification Service Agent"
    document = json.loads(body)
    assert document["Message"] == "hello"
    verify(document)
    assert requests.get(document["UnsubscribeURL"], timeout=10).status_code == 200
    sns.publish(TopicArn=arn, Message="after the end")
    assert sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"] == []
    headers, body = wait_for(lambda: subscriber.of_type("UnsubscribeConfirmation"))[0]
    assert len(subscriber.of_type("Notification")) == 1 and headers["x-amz-sns-subscription-arn"] == subscription
    farewell = json.loads(body)
    verify(farewell)
    assert requests.get(farewell["SubscribeURL"], timeout=10).status_code == 200  # taken back
    sns.publish(TopicArn=arn, Message="again")
    wait_for(lambda: [b for _, b in subscriber.of_type("Notification") if json.loads(b)["Message"] == "again"])
    sns.unsubscribe(SubscriptionArn=subscription)
    assert requests.get(farewell["SubscribeURL"], timeout=10).status_code == 400


def test_http_deliveries_are_retried_by_policy_and_end_in_the_dead_letter_queue(own_server, name, subscriber):
    sns = own_server.client("sns")
    arn = sns.create_topic(Name=name)["TopicArn"]
    url, dead = make_queue(own_server, name + "-dead")
    policy = {"healthyRetryPolicy": {"numRetries": 5, "numNoDelayRetries": 1, "minDelayTarget": 60, "maxDelayTarget": 600,
                                     "numMinDelayRetries": 1, "numMaxDelayRetries": 1, "backoffFunction": "geometric"},
              "requestPolicy": {"headerContentType": "application/json"}}
    sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=subscriber.url, Attributes={
        "DeliveryPolicy": json.dumps(policy), "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead})})
    token = json.loads(wait_for(lambda: subscriber.of_type("SubscriptionConfirmation"))[0][1])["Token"]
    subscription = sns.confirm_subscription(TopicArn=arn, Token=token)["SubscriptionArn"]
    effective = json.loads(sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]["EffectiveDeliveryPolicy"])
    assert effective["healthyRetryPolicy"]["maxDelayTarget"] == 600
    subscriber.status = 503
    sns.publish(TopicArn=arn, Message="nobody is home")
    wait_for(lambda: len(subscriber.of_type("Notification")) == 2)  # the first, and one retry without delay
    assert subscriber.of_type("Notification")[0][0]["Content-Type"] == "application/json"
    own_server.restart()
    time.sleep(0.3)
    assert len(subscriber.of_type("Notification")) == 2
    # The phase before the backoff, the backoff from the shorter to the longer delay, and the phase after it.
    for attempts, delay in ((3, 60), (4, 60), (5, 600), (6, 600)):
        advance(own_server, f"{delay - 30}s")
        assert len(subscriber.of_type("Notification")) == attempts - 1
        advance(own_server, "31s")
        wait_for(lambda: len(subscriber.of_type("Notification")) == attempts)
    assert json.loads(take(own_server, url, 1)[0]["Body"])["Message"] == "nobody is home"
    # What the endpoint refuses is not tried again.
    subscriber.status = 404
    own_server.client("sns").publish(TopicArn=arn, Message="refused")
    assert json.loads(take(own_server, url, 1)[0]["Body"])["Message"] == "refused"
    assert len(subscriber.of_type("Notification")) == 7


def test_an_endpoint_receives_as_many_a_second_as_it_asks_for(own_server, name, subscriber):
    sns, count = own_server.client("sns"), 300
    arn = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=subscriber.url,
                  Attributes={"DeliveryPolicy": json.dumps({"throttlePolicy": {"maxReceivesPerSecond": 1}})})
    token = json.loads(wait_for(lambda: subscriber.of_type("SubscriptionConfirmation"))[0][1])["Token"]
    subscription = sns.confirm_subscription(TopicArn=arn, Token=token)["SubscriptionArn"]
    effective = json.loads(sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]["EffectiveDeliveryPolicy"])
    assert effective["throttlePolicy"] == {"maxReceivesPerSecond": 1}
    for start in range(0, count, 10):
        sns.publish_batch(TopicArn=arn, PublishBatchRequestEntries=[{"Id": str(n), "Message": str(start + n)} for n in range(10)])
    wait_for(lambda: len(subscriber.of_type("Notification")) > 2)
    early = len(subscriber.of_type("Notification"))
    assert early < count / 2, "three hundred would take five minutes"
    advance(own_server, "2m")
    wait_for(lambda: len(subscriber.of_type("Notification")) >= early + 119)
    assert len(subscriber.of_type("Notification")) < count
    advance(own_server, "5m")
    wait_for(lambda: len(subscriber.of_type("Notification")) == count)
    assert sorted(int(json.loads(body)["Message"]) for _, body in subscriber.of_type("Notification")) == list(range(count))


def test_fifo_topics_keep_order_and_drop_duplicates(server, name):
    sns = server.client("sns")
    assert fault(sns.create_topic, Name=name, Attributes={"FifoTopic": "true"})[1].startswith("Invalid parameter: Fifo Topic names must end with .fifo")
    arn = sns.create_topic(Name=name + ".fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    url, queue = make_queue(server, name + ".fifo")
    plain_url, plain = make_queue(server, name + "-plain")
    for endpoint in (queue, plain):
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=endpoint, Attributes={"RawMessageDelivery": "true"})
    assert "MessageGroupId" in fault(sns.publish, TopicArn=arn, Message="x")[1]
    assert "ContentBasedDeduplication" in fault(sns.publish, TopicArn=arn, Message="x", MessageGroupId="g")[1]
    first = sns.publish(TopicArn=arn, Message="0", MessageGroupId="g", MessageDeduplicationId="d0")
    again = sns.publish(TopicArn=arn, Message="other", MessageGroupId="g", MessageDeduplicationId="d0")
    assert (first["MessageId"], first["SequenceNumber"]) == (again["MessageId"], again["SequenceNumber"])
    sequences = [first["SequenceNumber"]]
    for i in range(1, 20, 4):
        done = sns.publish_batch(TopicArn=arn, PublishBatchRequestEntries=[
            {"Id": str(n), "Message": str(n), "MessageGroupId": "g", "MessageDeduplicationId": f"d{n}"} for n in range(i, i + 4)])
        sequences += [entry["SequenceNumber"] for entry in done["Successful"]]
    assert sequences == sorted(sequences) and len(set(sequences)) == 21 and all(len(s) == 20 for s in sequences)
    messages = take(server, url, 21)
    assert [m["Body"] for m in messages] == [str(i) for i in range(21)]
    assert {m["Attributes"]["MessageGroupId"] for m in messages} == {"g"}
    assert sorted(int(m["Body"]) for m in take(server, plain_url, 21)) == list(range(21))
    sns.set_topic_attributes(TopicArn=arn, AttributeName="ContentBasedDeduplication", AttributeValue="true")
    ids = {sns.publish(TopicArn=arn, Message="same", MessageGroupId="g")["MessageId"] for _ in range(2)}
    assert len(ids) == 1


def test_batches_fail_by_the_entry(server, name):
    sns = server.client("sns")
    arn = sns.create_topic(Name=name)["TopicArn"]
    url, queue = make_queue(server, name)
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
    done = sns.publish_batch(TopicArn=arn, PublishBatchRequestEntries=[
        {"Id": "good", "Message": "a"}, {"Id": "bad", "Message": "b", "Subject": "x\ny"}])
    assert [e["Id"] for e in done["Successful"]] == ["good"]
    assert [(e["Id"], e["Code"], e["SenderFault"]) for e in done["Failed"]] == [("bad", "InvalidParameter", True)]
    assert take(server, url, 1)[0]["Body"] == "a"


def test_email_and_sms_stay_in_the_local_outbox(own_server, name):
    sns = own_server.client("sns")
    arn = sns.create_topic(Name=name, Attributes={"DisplayName": "News"})["TopicArn"]
    sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="ana@example.com")
    sns.subscribe(TopicArn=arn, Protocol="sms", Endpoint="+5511999999999")

    def outbox():
        return requests.get(f"{own_server.url}/_lambari/outbox", timeout=10).json()["messages"]

    letter = wait_for(lambda: [m for m in outbox() if m["protocol"] == "email"])[0]
    assert letter["to"] == "ana@example.com" and "Confirmation" in letter["subject"]
    link = next(word for word in letter["body"].split() if word.startswith("http"))
    assert requests.get(link, timeout=10).status_code == 200
    sns.publish(TopicArn=arn, Message="hello", Subject="Greetings")
    sns.publish(PhoneNumber="+5511888888888", Message="direct")
    assert fault(sns.publish, PhoneNumber="12", Message="x")[0] == "InvalidParameter"
    wait_for(lambda: len(outbox()) == 4)
    own_server.restart()
    found = {(m["protocol"], m["to"]): m for m in outbox() if "Confirmation" not in m["subject"]}
    assert found["email", "ana@example.com"]["subject"] == "Greetings"
    assert found["sms", "+5511999999999"]["body"] == "News> hello"
    assert found["sms", "+5511888888888"]["body"] == "direct"
    shown = subprocess.run([PROGRAM, "outbox", "--endpoint", own_server.url], capture_output=True, text=True, timeout=30)
    assert "Greetings" in shown.stdout and "direct" in shown.stdout


def test_policies_let_other_accounts_and_users_in(server, name):
    sns = server.client("sns")
    arn = sns.create_topic(Name=name)["TopicArn"]
    other = server.client("sns", key="111111111111")
    code, message = fault(other.publish, TopicArn=arn, Message="x")
    assert code == "AuthorizationError" and f"is not authorized to perform: SNS:Publish on resource: {arn}" in message
    sns.add_permission(TopicArn=arn, Label="friends", AWSAccountId=["111111111111"], ActionName=["Publish", "Subscribe"])
    assert other.publish(TopicArn=arn, Message="x")["MessageId"]
    policy = json.loads(sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])
    assert [s for s in policy["Statement"] if s["Sid"] == "friends"][0]["Principal"] == {"AWS": ["arn:aws:iam::111111111111:root"]}
    sns.remove_permission(TopicArn=arn, Label="friends")
    fault(other.publish, TopicArn=arn, Message="x")


def test_a_queue_that_does_not_allow_it_receives_nothing(server, name):
    sns, sqs = server.client("sns"), server.client("sqs")
    arn = sns.create_topic(Name=name)["TopicArn"]
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    dead_url, dead = make_queue(server, name + "-dead")
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}",
                  Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead})})
    sns.publish(TopicArn=arn, Message="stopped")
    assert json.loads(take(server, dead_url, 1)[0]["Body"])["Message"] == "stopped"
    assert is_empty(server, url)


@pytest.mark.parametrize("program", [None, "/usr/bin/aws"], ids=["cli-1", "cli-2"])
def test_the_command_line_publishes_and_subscriptions_outlive_a_restart(own_server, name, program):
    def aws(*arguments):
        return own_server.aws("sns", *arguments, program=program)

    arn = aws("create-topic", "--name", name)["TopicArn"]
    url, queue = make_queue(own_server, name)
    aws("subscribe", "--topic-arn", arn, "--protocol", "sqs", "--notification-endpoint", queue)
    own_server.restart()
    message_id = aws("publish", "--topic-arn", arn, "--message", "from the shell")["MessageId"]
    document = json.loads(take(own_server, url, 1)[0]["Body"])
    assert document["MessageId"] == message_id and document["Message"] == "from the shell"
    aws("delete-topic", "--topic-arn", arn)
    assert aws("list-topics")["Topics"] == []
    assert aws("list-subscriptions")["Subscriptions"] == []


def test_delivery_status_is_logged_by_a_role_that_trusts_sns(server, name):
    sns, iam, logs = server.client("sns"), server.client("iam"), server.client("logs")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    arn = sns.create_topic(Name=name, Attributes={"SQSSuccessFeedbackRoleArn": role, "SQSSuccessFeedbackSampleRate": "100",
                                                  "SQSFailureFeedbackRoleArn": role})["TopicArn"]
    url, queue = make_queue(server, name)
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue + "-missing")
    sns.publish(TopicArn=arn, Message="the role may not write yet")
    take(server, url, 1)
    iam.put_role_policy(RoleName=name, PolicyName="logs", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}]}))
    published = sns.publish(TopicArn=arn, Message="watched")["MessageId"]
    take(server, url, 1)

    def events(group):
        try:
            return logs.filter_log_events(logGroupName=group)["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []

    success = json.loads(wait_for(lambda: events(f"sns/{REGION}/{ACCOUNT}/{name}"))[0]["message"])
    assert success["status"] == "SUCCESS" and success["notification"]["messageId"] == published and success["delivery"]["destination"] == queue
    failure = json.loads(wait_for(lambda: events(f"sns/{REGION}/{ACCOUNT}/{name}/Failure"))[0]["message"])
    assert failure["status"] == "FAILURE" and failure["delivery"]["destination"].endswith("-missing")


def test_functions_receive_the_event(server, name):
    sns, functions, logs = (server.client(s) for s in ("sns", "lambda", "logs"))
    code = "import json\ndef handler(event, context):\n    print('GOT ' + json.dumps(event))\n"
    function = server.function(name, {"app.py": code})["FunctionArn"]
    arn = sns.create_topic(Name=name)["TopicArn"]
    functions.add_permission(FunctionName=name, StatementId="sns", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com", SourceArn=arn)
    subscription = sns.subscribe(TopicArn=arn, Protocol="lambda", Endpoint=function)["SubscriptionArn"]
    sns.publish(TopicArn=arn, Message="wake up", MessageAttributes={"a": {"DataType": "String", "StringValue": "b"}})

    def found():
        try:
            return [e["message"] for e in logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"] if "GOT " in e["message"]]
        except logs.exceptions.ResourceNotFoundException:
            return []

    line = wait_for(found, 30)[0]
    record = json.loads(line[line.index("GOT ") + 4:])["Records"][0]
    assert record["EventSource"] == "aws:sns" and record["EventVersion"] == "1.0" and record["EventSubscriptionArn"] == subscription
    assert record["Sns"]["Message"] == "wake up" and record["Sns"]["Subject"] is None
    assert record["Sns"]["MessageAttributes"] == {"a": {"Type": "String", "Value": "b"}}
    signed = {name: value for name, value in record["Sns"].items() if value is not None}
    verify(signed | {"SigningCertURL": signed["SigningCertUrl"]})


def test_large_messages_to_many_queues_are_kept_once_and_freed(own_server, name):
    sns = own_server.client("sns")
    arn = sns.create_topic(Name=name)["TopicArn"]
    urls = []
    for i in range(5):
        url, queue = make_queue(own_server, f"{name}-{i}")
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
        urls.append(url)
    message = "ação " * 20_000
    sns.publish(TopicArn=arn, Message=message)
    for url in urls:
        assert take(own_server, url, 1)[0]["Body"] == message


def test_pending_subscriptions_end_after_two_days(own_server, name):
    sns = own_server.client("sns")
    arn = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="late@example.com")
    assert sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"][0]["SubscriptionArn"] == "PendingConfirmation"
    assert sns.get_topic_attributes(TopicArn=arn)["Attributes"]["SubscriptionsPending"] == "1"
    advance(own_server, "49h")
    wait_for(lambda: sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"] == [])
    wait_for(lambda: sns.get_topic_attributes(TopicArn=arn)["Attributes"]["SubscriptionsPending"] == "0")
