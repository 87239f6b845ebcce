"""Publishing to a topic with ten queues, beside moto in the same run and the floor of the store; and to one with very many subscriptions, of
which each message concerns one. Called by bench/run.py."""

import json
import os
import subprocess
import sys
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
from lambari import ACCOUNT, REGION, Lambari
from sqs import PEERS, call, lua_table, store_floor, wrk

QUEUES = 10
SUBSCRIPTIONS = int(os.environ.get("LAMBARI_BENCH_SUBSCRIPTIONS", "100000"))
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*"}]})


def signed(url):
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD"}
    request = botocore.awsrequest.AWSRequest("POST", url + "/", headers=headers)
    auth = botocore.auth.SigV4Auth(botocore.credentials.Credentials("test", "test"), "sns", REGION)
    auth.payload = lambda _: "UNSIGNED-PAYLOAD"
    auth.add_auth(request)
    return dict(request.headers)


def publish_rate(url, client, raw):
    """(publishes per second, p50 ms, p99 ms) with every queue subscribed."""
    topic = client("sns").create_topic(Name=f"bench-{raw}".lower())["TopicArn"]
    for i in range(QUEUES):
        name = f"bench-{raw}-{i}".lower()
        call(url, "CreateQueue", {"QueueName": name, "Attributes": {"Policy": POLICY}})
        client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}",
                                Attributes={"RawMessageDelivery": str(raw).lower()})
    body = urllib.parse.urlencode({"Action": "Publish", "Version": "2010-03-31", "TopicArn": topic, "Message": "x" * 256})
    return wrk(url, f"wrk.method = 'POST'\nwrk.headers = {lua_table(signed(url))}\nwrk.body = [=[{body}]=]\n")


def publish_one_of(server, subscriptions):
    """(publishes per second, p50 ms, p99 ms) where every message passes one filter of so many."""
    sns, name = server.client("sns"), f"one-of-{subscriptions}"
    topic = sns.create_topic(Name=name)["TopicArn"]
    call(server.url, "CreateQueue", {"QueueName": f"{name}-first", "Attributes": {"Policy": POLICY}})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}-first", Attributes={"FilterPolicy": '{"to":["first"]}'})
    form = {"Action": "Subscribe", "Version": "2010-03-31", "TopicArn": topic, "Protocol": "sqs", "Endpoint": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}-@",
            "Attributes.entry.1.key": "FilterPolicy", "Attributes.entry.1.value": '{"to":["@"]}'}
    made, piece = 1, 0
    while made < subscriptions:
        wrk(server.url, f"""
local headers, body, next = {lua_table(signed(server.url))}, [=[{urllib.parse.urlencode(form)}]=], 0
function request()
  next = next + 1
  return wrk.format("POST", "/", headers, (body:gsub("%%40", "{piece}-" .. next)))
end
""", 2)
        piece += 1
        made = int(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsConfirmed"])
    message = {"Action": "Publish", "Version": "2010-03-31", "TopicArn": topic, "Message": "x" * 256, "MessageAttributes.entry.1.Name": "to",
               "MessageAttributes.entry.1.Value.DataType": "String", "MessageAttributes.entry.1.Value.StringValue": "first"}
    return wrk(server.url, f"wrk.method = 'POST'\nwrk.headers = {lua_table(signed(server.url))}\nwrk.body = [=[{urllib.parse.urlencode(message)}]=]\n")


def peer_rate():
    """Of moto, which keeps everything in memory and answers when the queues have it."""
    import boto3
    import botocore.config
    peer = PEERS[0]
    try:
        with peer:
            def client(service):
                return boto3.client(service, endpoint_url=peer.url, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test",
                                    config=botocore.config.Config(retries={"max_attempts": 0}))
            return f", moto {publish_rate(peer.url, client, True)[0]:,.0f}/s (in memory)"
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        print(f"bench: no figures of moto: {error}", file=sys.stderr)
        return ""


def run(row):
    floor, peer = store_floor(), peer_rate()
    for raw in (True, False):
        server = Lambari("--log-level", "warn").start()
        try:
            rate, p50, p99 = publish_rate(server.url, server.client, raw)
            row(f"SNS Publish to {QUEUES} queues, {'raw' if raw else 'signed envelopes'}, 256 bytes, durable, 64 connections",
                f"{rate:,.0f}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms", f"store alone {floor:,.0f} puts/s{peer}", f"{rate * (QUEUES + 1) / floor:.2f}")
        finally:
            server.close()
    server = Lambari("--log-level", "warn").start()
    try:
        one, many = publish_one_of(server, 1), publish_one_of(server, SUBSCRIPTIONS)
        row(f"SNS Publish to one of {SUBSCRIPTIONS:,} filtered subscriptions, 64 connections", f"{many[0]:,.0f}/s, p50 {many[1]:.1f} ms, p99 {many[2]:.1f} ms",
            f"with one subscription {one[0]:,.0f}/s", f"{many[0] / one[0]:.2f}", "the same")
    finally:
        server.close()
