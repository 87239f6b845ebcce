"""Publishing to a topic with ten queues, beside moto in the same run and the floor of the store. Called by bench/run.py."""

import json
import subprocess
import sys
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
from lambari import ACCOUNT, REGION, Lambari
from sqs import PEERS, call, lua_table, store_floor, wrk

QUEUES = 10
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
