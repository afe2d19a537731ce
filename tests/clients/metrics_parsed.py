"""The numbers of a node, read by the OpenMetrics parser of prometheus_client. Usage: metrics_parsed.py SOCKET [WORD…]; none
of the words may stand in them."""

import sys

import httpx
from prometheus_client.openmetrics.parser import text_string_to_metric_families

node = httpx.Client(transport=httpx.HTTPTransport(uds=sys.argv[1]), base_url="http://aurora")
asked = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}
answer = node.get("/metrics", headers=asked)
assert answer.status_code == 200, answer.text
assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0"), answer.headers
for word in sys.argv[2:]:
    assert word not in answer.text, word
families = {family.name: family for family in text_string_to_metric_families(answer.text)}
for family in families.values():
    assert family.type != "unknown" and family.documentation, family.name
reads = [
    sample.value
    for sample in families["aurora_requests"].samples
    if sample.name == "aurora_requests_total" and sample.labels == {"action": "secret.read", "decision": "allow", "outcome": "ok"}
]
# A file cut anywhere is no such text.
for cut in (answer.text[: len(answer.text) // 2], answer.text.removesuffix("# EOF\n")):
    try:
        list(text_string_to_metric_families(cut))
    except ValueError:
        continue
    raise AssertionError("the parser takes a part for the whole")
print(f"{len(families)} families, {int(sum(reads))} reads")
