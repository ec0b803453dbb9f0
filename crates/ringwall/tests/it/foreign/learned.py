"""A learned document, judged by openapi-spec-validator; and what it was learned from, by jsonschema."""

import json
import sys

try:
    from jsonschema import Draft202012Validator
    from openapi_spec_validator import OpenAPIV31SpecValidator
except ModuleNotFoundError as error:
    sys.exit(print(f"missing {error.name}"))

document, traffic = sys.argv[3:]
document = json.load(open(document))
OpenAPIV31SpecValidator(document).validate()
body = document["paths"]["/lab/orders"]["post"]["requestBody"]["content"]["application/json"]
judge = Draft202012Validator(body["schema"])
count = 0
for line in open(traffic):
    line = json.loads(line)
    if "body" in line:
        judge.validate(json.loads(line["body"]))
        count += 1
for bad in [{}, [], {"name": "<b>", "lines": [], "note": None}, {"name": "A", "lines": {}, "note": None}]:
    assert not judge.is_valid(bad), bad
print(f"{count} bodies")
