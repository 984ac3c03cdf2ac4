"""Reads the metrics of the server on this port as Prometheus does; prints its numbers as an object of JSON, labels behind their names."""

import json
import sys
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

with urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/metrics") as answer:
    kind = answer.headers["Content-Type"]
    assert kind == "text/plain; version=0.0.4; charset=utf-8", kind
    page = answer.read().decode()

numbers = {}
for family in text_string_to_metric_families(page):
    assert family.documentation and family.type in ("counter", "gauge", "histogram"), family
    for sample in family.samples:
        assert sample.name.startswith("logstore_"), sample
        labels = "".join(f" {value}" for _, value in sorted(sample.labels.items()))
        assert sample.name + labels not in numbers, sample
        numbers[sample.name + labels] = sample.value
print(json.dumps(numbers))
