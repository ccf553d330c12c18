"""Validates files against a schema: SCHEMA GOOD... --bad BAD...; prints what is not as expected."""
import sys

import jsonschema
import yaml

# Only what the schema cannot express may pass it although the reader refuses it.
BEYOND_A_SCHEMA = {"batch.yml"}

with open(sys.argv[1], encoding="utf-8") as f:
    validator = jsonschema.Draft202012Validator(yaml.safe_load(f))
validator.check_schema(validator.schema)
split = sys.argv.index("--bad")
for path in sys.argv[2:split]:
    with open(path, encoding="utf-8-sig") as f:
        text = f.read()
    document = next(iter(yaml.safe_load_all(text)))
    for error in validator.iter_errors(document):
        print(f"{path}: {list(error.absolute_path)}: {error.message}")
for path in sys.argv[split + 1 :]:
    name = path.rsplit("/", 1)[-1]
    try:
        with open(path, encoding="utf-8-sig") as f:
            document = yaml.safe_load(f)
    except yaml.YAMLError:
        continue
    if name not in BEYOND_A_SCHEMA and validator.is_valid(document):
        print(f"{path}: is bad, but the schema accepts it")
